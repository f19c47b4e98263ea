using VlWorker.Inference.Cuda;
using VlWorker.Inference.Engine;

namespace VlWorker.Inference.OnDemand;

/// <summary>The memory that a device's models live in: the C library's heap for the processor, a GPU's own.</summary>
internal static class DeviceMemory
{
    /// <summary>Bytes in use, of a GPU by whatever program.</summary>
    public static long InUse(DeviceName device)
    {
        if (device.Kind != DeviceKind.Cuda)
            return HeapUse.Now();
        var (free, total) = Query(device);
        return total - free;
    }

    /// <summary>Bytes that are free of a GPU; null for the processor, whose memory is not the models' alone.</summary>
    public static long? Free(DeviceName device) => device.Kind == DeviceKind.Cuda ? Query(device).Free : null;

    private static (long Free, long Total) Query(DeviceName device)
    {
        // The engine keeps the context open; this only joins it.
        using var context = new CudaContext(device.Index);
        var memory = context.Memory();
        CudaContext.Leave();
        return memory;
    }
}
