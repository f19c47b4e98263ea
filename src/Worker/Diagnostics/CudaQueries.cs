using VlWorker.Inference.Cuda;

namespace VlWorker.Diagnostics;

/// <summary>What the driver knows of a GPU.</summary>
/// <param name="Index">Its number within CUDA_VISIBLE_DEVICES.</param>
/// <param name="Name">The maker's name.</param>
/// <param name="Major">Compute capability, first part.</param>
/// <param name="Minor">Compute capability, second part.</param>
/// <param name="Free">Bytes of memory that nobody holds.</param>
/// <param name="Total">Bytes of memory.</param>
internal sealed record GpuFacts(int Index, string Name, int Major, int Minor, long Free, long Total);

/// <summary>Questions to the driver, asked without the engine: what it says holds whether the engine works or not.</summary>
internal static class CudaQueries
{
    private const int ComputeCapabilityMajor = 75;
    private const int ComputeCapabilityMinor = 76;

    /// <summary>All GPUs that this process may use.</summary>
    /// <exception cref="DllNotFoundException">There is no driver.</exception>
    /// <exception cref="InvalidOperationException">The driver refuses; the message has its number.</exception>
    /// <exception cref="Failures.OutOfDeviceMemoryException">A GPU has no memory left, not even for a context.</exception>
    /// <exception cref="Failures.DeviceLostException">A GPU is broken, or fell off the bus.</exception>
    public static IReadOnlyList<GpuFacts> Gpus() => [.. Enumerable.Range(0, CudaContext.Count()).Select(Ask)];

    private static GpuFacts Ask(int index)
    {
        // Free memory is a question to a context.
        using var context = new CudaContext(index);
        var (free, total) = context.Memory();
        CudaContext.Leave();
        return new GpuFacts(index, context.Name, context.Attribute(ComputeCapabilityMajor), context.Attribute(ComputeCapabilityMinor), free, total);
    }
}
