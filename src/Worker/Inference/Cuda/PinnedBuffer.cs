namespace VlWorker.Inference.Cuda;

/// <summary>Memory of the host that never moves and that the GPU reads and writes itself. It has one owner.</summary>
internal sealed unsafe class PinnedBuffer : IDisposable
{
    private const uint Portable = 1;

    /// <summary>Takes memory, zeroed.</summary>
    public PinnedBuffer(long bytes)
    {
        Bytes = Math.Max(bytes, 256);
        CudaDriver.Check(CudaDriver.AllocateHost(out var pointer, (nuint)Bytes, Portable), $"pinning {Bytes >> 20} MB of memory");
        Pointer = pointer;
        System.Runtime.InteropServices.NativeMemory.Clear((void*)pointer, (nuint)Bytes);
    }

    /// <summary>The first byte.</summary>
    public nint Pointer { get; private set; }

    /// <summary>Bytes taken.</summary>
    public long Bytes { get; }

    /// <summary>A part of it as elements.</summary>
    /// <param name="offset">In bytes.</param>
    /// <param name="count">In elements.</param>
    public Span<T> Span<T>(long offset, int count)
        where T : unmanaged
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset + ((long)count * sizeof(T)), Bytes);
        return new Span<T>((byte*)Pointer + offset, count);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Pointer != 0)
            _ = CudaDriver.FreeHost(Pointer);
        Pointer = 0;
    }
}
