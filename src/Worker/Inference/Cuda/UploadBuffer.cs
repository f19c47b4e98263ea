namespace VlWorker.Inference.Cuda;

/// <summary>Memory of the host and as much of the GPU: what is written into the one is copied to the other. It has one owner.</summary>
internal sealed class UploadBuffer : IDisposable
{
    private readonly PinnedBuffer _host;

    /// <summary>Takes memory of both; the host's is zeroed.</summary>
    /// <exception cref="Failures.OutOfDeviceMemoryException">There is no such memory.</exception>
    public UploadBuffer(long bytes)
    {
        _host = new PinnedBuffer(bytes);
        try
        {
            Device = new DeviceBuffer(bytes);
        }
        catch
        {
            _host.Dispose();
            throw;
        }
    }

    /// <summary>The GPU's memory.</summary>
    public DeviceBuffer Device { get; }

    /// <summary>A part of the host's memory as elements.</summary>
    /// <param name="offset">In bytes.</param>
    /// <param name="count">In elements.</param>
    public Span<T> Span<T>(long offset, int count)
        where T : unmanaged => _host.Span<T>(offset, count);

    /// <summary>Where a byte of the GPU's memory lies.</summary>
    public nint At(long offset) => Device.Pointer + (nint)offset;

    /// <summary>Queues the way of the first bytes to the GPU.</summary>
    public void Upload(CudaStream stream, long bytes) => stream.CopyToDevice(Device.Pointer, _host.Pointer, bytes);

    /// <inheritdoc/>
    public void Dispose()
    {
        Device.Dispose();
        _host.Dispose();
    }
}
