namespace VlWorker.Inference.Cuda;

/// <summary>A mark in a stream that a thread can wait for.</summary>
internal sealed class CudaEvent : IDisposable
{
    private const uint BlockingSync = 1;
    private const uint DisableTiming = 2;
    private readonly nint _handle;

    /// <summary>The driver's handle.</summary>
    public nint Handle => _handle;

    /// <param name="spin">Whether the waiting thread spins: sooner, for a core. Else it sleeps.</param>
    public CudaEvent(bool spin)
    {
        CudaDriver.Check(CudaDriver.EventCreate(out _handle, spin ? DisableTiming : DisableTiming | BlockingSync), "creating an event");
    }

    /// <summary>Sets the mark behind all that was queued.</summary>
    public void Record(CudaStream stream) => CudaDriver.Check(CudaDriver.EventRecord(_handle, stream.Handle), "recording an event");

    /// <summary>Waits until the stream has come to the mark.</summary>
    public void Wait() => CudaDriver.Check(CudaDriver.EventSynchronize(_handle), "waiting for the GPU");

    /// <inheritdoc/>
    public void Dispose() => _ = CudaDriver.EventDestroy(_handle);
}
