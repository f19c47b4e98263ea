namespace VlWorker.Inference.Cuda;

/// <summary>Memory of the GPU, with one owner.</summary>
internal sealed class DeviceBuffer : IDisposable
{
    /// <exception cref="Failures.OutOfDeviceMemoryException">There is no such memory.</exception>
    public DeviceBuffer(long bytes)
    {
        Bytes = Math.Max(bytes, 256);
        CudaDriver.Check(CudaDriver.Allocate(out var pointer, (nuint)Bytes), $"taking {Bytes >> 20} MB of the GPU's memory");
        Pointer = pointer;
    }

    /// <summary>The first byte, aligned to 256.</summary>
    public nint Pointer { get; private set; }

    /// <summary>Bytes taken.</summary>
    public long Bytes { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Pointer != 0)
            _ = CudaDriver.Free(Pointer);
        Pointer = 0;
    }
}
