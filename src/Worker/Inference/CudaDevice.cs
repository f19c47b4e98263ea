using Microsoft.ML.OnnxRuntime;

namespace VlWorker.Inference;

/// <summary>Whether a GPU can be used from this process.</summary>
internal static class CudaDevice
{
    /// <summary>The name of the engine's CUDA provider.</summary>
    public const string Provider = "CUDAExecutionProvider";

    /// <summary>Why the GPU can't be used; null if a graph runs on it.</summary>
    public static string? Problem(DeviceName device) => OrtEnv.Instance().GetAvailableProviders().Contains(Provider, StringComparer.Ordinal)
        ? null
        : "this build's ONNX Runtime runs on processors only (build with -p:Gpu=true)";
}
