using Microsoft.ML.OnnxRuntime;
using VlWorker.Inference.Cuda;
using VlWorker.Inference.Engine;

namespace VlWorker.Inference;

/// <summary>Whether a GPU can be used from this process.</summary>
internal static class CudaDevice
{
    /// <summary>The name of the engine's CUDA provider.</summary>
    public const string Provider = "CUDAExecutionProvider";

    /// <summary>Why this build can't use any GPU; null if it can.</summary>
    public static string? Build() => OrtEnv.Instance().GetAvailableProviders().Contains(Provider, StringComparer.Ordinal)
        ? null
        : "this build's ONNX Runtime runs on processors only (build with -p:Gpu=true)";

    /// <summary>Where GPUs sit on the bus: what other programs know them by, whatever CUDA_VISIBLE_DEVICES says. Null if the driver does not tell.</summary>
    /// <param name="devices">Names of devices; those that are no GPUs are left out.</param>
    public static IReadOnlyList<(string Name, string? PciBusId)> Places(IEnumerable<string> devices) =>
    [
        .. devices.Select(DeviceName.Parse).Where(name => name.Kind == DeviceKind.Cuda).Select(name => (name.ToString(), PciBusId(name))),
    ];

    private static string? PciBusId(DeviceName device)
    {
        try
        {
            using var context = new CudaContext(device.Index);
            CudaContext.Leave();
            return context.PciBusId;
        }
        catch (Exception error) when (error is DllNotFoundException or InvalidOperationException)
        {
            // Whatever watches a GPU must not keep it from working.
            return null;
        }
    }

    /// <summary>Why the GPU can't be used; null if a graph runs on it.</summary>
    public static string? Problem(DeviceName device)
    {
        if (Build() is { } build)
            return build;
        try
        {
            var result = ProviderProbe.Run(device);
            if (result.Providers.Count == 0 || result.Providers.Values.Any(provider => provider != Provider))
                return "the engine runs nodes of a graph elsewhere";
            return result.Deviation <= ProbeResult.Tolerance ? null : "a graph's result is wrong";
        }
        catch (ProbeException error)
        {
            return error.Message;
        }
    }
}
