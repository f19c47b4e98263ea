using System.Text.Json;
using Microsoft.ML.OnnxRuntime;
using VlWorker.ModelKit.Onnx;

namespace VlWorker.Inference.Engine;

/// <summary>A device can't run the probe.</summary>
internal sealed class ProbeException(string detail, Exception? inner = null) : Exception(detail, inner);

/// <summary>What came of a probe.</summary>
/// <param name="Providers">For each node that ran, the provider that ran it.</param>
/// <param name="Deviation">The largest difference to the result by arithmetic.</param>
internal sealed record ProbeResult(IReadOnlyDictionary<string, string> Providers, float Deviation)
{
    /// <summary>What rounding may do to sums of <see cref="ProviderProbe"/>'s size, with products rounded to 11 bits as GPUs may.</summary>
    public const float Tolerance = 0.05f;
}

/// <summary>Runs a small graph on a device, with no other to fall back to, and looks at who ran its nodes.</summary>
internal static class ProviderProbe
{
    private const int Rows = 4;
    private const int Size = 64;

    /// <summary>Runs it.</summary>
    /// <exception cref="ProbeException">The engine refused or failed.</exception>
    public static ProbeResult Run(DeviceName device)
    {
        var prefix = Path.Combine(Path.GetTempPath(), $"vl-worker-probe-{Guid.NewGuid():N}");
        string? profile = null;
        try
        {
            using var options = Options(device, prefix);
            using var session = new InferenceSession(Graph(), options);
            var input = Enumerable.Range(0, Rows * Size).Select(i => (i % 13) - 6f).ToArray();
            using var value = OrtValue.CreateTensorValueFromMemory(input, [Rows, Size]);
            using var run = new RunOptions();
            using var results = session.Run(run, ["x"], [value], ["y"]);
            var deviation = Deviation(input, results[0].GetTensorDataAsSpan<float>());
            profile = session.EndProfiling();
            return new ProbeResult(Providers(File.ReadAllText(profile)), deviation);
        }
        catch (Exception error) when (error is OnnxRuntimeException or DllNotFoundException or EntryPointNotFoundException or IOException or UnauthorizedAccessException)
        {
            throw new ProbeException(EngineFaults.Clean(error.Message), error);
        }
        finally
        {
            if (profile is not null)
                File.Delete(profile);
        }
    }

    /// <summary>The provider of each node in the engine's profile, a JSON array of events.</summary>
    public static IReadOnlyDictionary<string, string> Providers(string profile)
    {
        var providers = new Dictionary<string, string>(StringComparer.Ordinal);
        using var json = JsonDocument.Parse(profile);
        foreach (var entry in json.RootElement.EnumerateArray())
        {
            // Only events of nodes' kernels name a provider.
            if (entry.TryGetProperty("args", out var args) && args.ValueKind == JsonValueKind.Object
                && args.TryGetProperty("provider", out var provider) && provider.GetString() is { Length: > 0 } name)
            {
                providers[entry.GetProperty("name").GetString()!] = name;
            }
        }

        return providers;
    }

    private static Microsoft.ML.OnnxRuntime.SessionOptions Options(DeviceName device, string prefix)
    {
        var options = new Microsoft.ML.OnnxRuntime.SessionOptions
        {
            EnableProfiling = true,
            ProfileOutputPathPrefix = prefix,
            IntraOpNumThreads = 1,
            LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL,
        };
        if (device.Kind != DeviceKind.Cuda)
            return options;
        try
        {
            using var provider = new OrtCUDAProviderOptions();
            provider.UpdateOptions(new Dictionary<string, string> { ["device_id"] = device.Index.ToString(System.Globalization.CultureInfo.InvariantCulture) });
            options.AppendExecutionProvider_CUDA(provider);
            options.AddSessionConfigEntry("session.disable_cpu_ep_fallback", "1");
            return options;
        }
        catch
        {
            options.Dispose();
            throw;
        }
    }

    /// <summary>y = relu(x W): a product, as everything large in a model is.</summary>
    private static byte[] Graph()
    {
        var graph = new GraphBuilder();
        var x = graph.Input("x", ElementType.Float, Rows, Size);
        var product = graph.Node("MatMul", [x, graph.Constant(Tensor.FromFloats(Weights(), [Size, Size]))]);
        graph.Output(graph.Node("Relu", [product]), "y", ElementType.Float, Rows, Size);
        return graph.Build().ToBytes();
    }

    private static float[] Weights() => [.. Enumerable.Range(0, Size * Size).Select(i => ((i % 7) - 3f) / 4)];

    private static float Deviation(float[] input, ReadOnlySpan<float> output)
    {
        var (weights, largest) = (Weights(), 0f);
        for (var row = 0; row < Rows; row++)
        {
            for (var column = 0; column < Size; column++)
            {
                var sum = 0d;
                for (var i = 0; i < Size; i++)
                    sum += input[(row * Size) + i] * (double)weights[(i * Size) + column];
                largest = Math.Max(largest, Math.Abs((float)Math.Max(sum, 0) - output[(row * Size) + column]));
            }
        }

        return largest;
    }
}
