using System.Globalization;
using Microsoft.ML.OnnxRuntime;
using VlWorker.Inference.Cuda.Kernels;

namespace VlWorker.Inference.Cuda;

/// <summary>One graph on a GPU, bound to a stream: a run only queues its kernels. Used by one thread at a time.</summary>
internal sealed class CudaSession : IDisposable
{
    // Bits of the provider: flash attention, the memory efficient kernels, and plain products.
    private const string FlashOrPlain = "19";

    private readonly CudaStream _stream;
    private readonly InferenceSession _session;
    private readonly RunOptions _queueOnly = new();

    /// <summary>Loads a graph.</summary>
    /// <param name="graph">The file.</param>
    /// <param name="stream">Where it runs; outlives this.</param>
    /// <param name="settings">How it runs.</param>
    /// <exception cref="OnnxRuntimeException">The graph is damaged, or the GPU can't run it.</exception>
    public CudaSession(GraphFile graph, CudaStream stream, CudaSettings settings)
    {
        using var options = new Microsoft.ML.OnnxRuntime.SessionOptions
        {
            GraphOptimizationLevel = GraphOptimizationLevel.ORT_ENABLE_ALL,
            LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL,
            // A pattern would take one new block for each shape, in the middle of a recording.
            EnableMemoryPattern = false,
        };
        using var provider = new OrtCUDAProviderOptions();
        provider.UpdateOptions(Options(graph, stream, settings));
        options.AppendExecutionProvider_CUDA(provider);
        FusedOperators.Register(options);
        // What the GPU can't do must be an error, not a detour over the processor; only arithmetic on shapes is the processor's.
        if (!graph.ShapesOnHost)
            options.AddSessionConfigEntry("session.disable_cpu_ep_fallback", "1");
        _stream = stream;
        _session = stream.OnThread(() => graph.Bytes is { } bytes ? new InferenceSession(bytes, options) : new InferenceSession(graph.Path!, options));
        _queueOnly.AddRunConfigEntry("disable_synchronize_execution_providers", "1");
        Memory = new OrtMemoryInfo(OrtMemoryInfo.allocatorCUDA, OrtAllocatorType.DeviceAllocator, settings.Device, OrtMemType.Default);
    }

    /// <summary>The GPU's memory, for tensors.</summary>
    public OrtMemoryInfo Memory { get; }

    /// <summary>Declared inputs; unknown dimensions are -1.</summary>
    public IReadOnlyDictionary<string, NodeMetadata> Inputs => _session.InputMetadata;

    /// <summary>Declared outputs; unknown dimensions are -1.</summary>
    public IReadOnlyDictionary<string, NodeMetadata> Outputs => _session.OutputMetadata;

    /// <summary>A fresh binding of inputs and outputs to memory.</summary>
    public CudaBinding Bind() => new(this, _session.CreateIoBinding());

    /// <summary>Queues a run.</summary>
    public void Queue(OrtIoBinding binding) => _stream.OnThread(() => _session.RunWithBinding(_queueOnly, binding));

    /// <inheritdoc/>
    public void Dispose()
    {
        _stream.OnThread(_session.Dispose);
        _queueOnly.Dispose();
        Memory.Dispose();
    }

    private static Dictionary<string, string> Options(GraphFile graph, CudaStream stream, CudaSettings settings)
    {
        string Number(long value) => value.ToString(CultureInfo.InvariantCulture);
        var options = new Dictionary<string, string>
        {
            ["device_id"] = Number(settings.Device),
            ["has_user_compute_stream"] = "1",
            ["user_compute_stream"] = Number(stream.Handle),
            ["arena_extend_strategy"] = "kSameAsRequested",
            ["cudnn_conv_algo_search"] = "HEURISTIC",
            ["use_tf32"] = settings.Tf32 ? "1" : "0",
        };
        if (graph.AnyLength)
            options["sdpa_kernel"] = FlashOrPlain;
        if (settings.ArenaLimit > 0)
            options["gpu_mem_limit"] = Number(settings.ArenaLimit);
        return options;
    }
}

/// <summary>A graph: a file, or its bytes.</summary>
/// <param name="Path">The file.</param>
/// <param name="Bytes">Its bytes, where there is no file.</param>
/// <param name="ShapesOnHost">Whether it computes shapes, which the processor does while the run is queued.</param>
/// <param name="AnyLength">Whether its attention meets ever new lengths, for each of which cuDNN would first build kernels.</param>
internal sealed record GraphFile(string? Path, byte[]? Bytes, bool ShapesOnHost = false, bool AnyLength = false);
