using System.Globalization;

namespace VlWorker.Inference.Cuda;

/// <summary>A queue of work on a GPU, in order. Owned by one lane.</summary>
internal sealed class CudaStream : IDisposable
{
    private const uint NonBlocking = 1;
    private const int ThreadLocal = 1;

    private readonly EngineThread _thread;

    /// <summary>Makes it in the context that the calling thread has entered.</summary>
    /// <param name="priority">Lower goes first; 0 is the default.</param>
    public CudaStream(int priority = 0)
    {
        CudaDriver.Check(CudaDriver.CurrentContext(out var context), "asking for the thread's context");
        CudaDriver.Check(CudaDriver.CurrentDevice(out var device), "asking for the thread's GPU");
        nint handle = 0;
        _thread = new EngineThread(
            () =>
            {
                CudaDriver.Check(CudaDriver.SetCurrent(context), "entering the thread's context");
                CudaDriver.Check(CudaDriver.StreamCreate(out handle, NonBlocking, priority), "creating a stream");
            },
            string.Create(CultureInfo.InvariantCulture, $"engine-cuda:{device}"));
        Handle = handle;
    }

    /// <summary>The driver's handle.</summary>
    public nint Handle { get; }

    /// <summary>Runs something on the stream's own thread: whatever ONNX Runtime does for it, and what asks for many runs.</summary>
    public T OnThread<T>(Func<T> work) => _thread.Run(work);

    /// <inheritdoc cref="OnThread{T}"/>
    public void OnThread(Action work) => _thread.Run(work);

    /// <summary>Waits for all that was queued.</summary>
    public void Synchronize() => CudaDriver.Check(CudaDriver.StreamSynchronize(Handle), "waiting for the GPU");

    /// <summary>Lets what is queued from here on wait for a mark in another stream, as it was set last.</summary>
    public void WaitFor(CudaEvent mark) => CudaDriver.Check(CudaDriver.StreamWaitEvent(Handle, mark.Handle, 0), "waiting for another stream");

    /// <summary>Queues a copy; pinned memory goes without a copy in between.</summary>
    public void CopyToDevice(nint device, nint host, long bytes) => CudaDriver.Check(CudaDriver.CopyToDevice(device, host, (nuint)bytes, Handle), "copying to the GPU");

    /// <summary>Queues a copy.</summary>
    public void CopyToHost(nint host, nint device, long bytes) => CudaDriver.Check(CudaDriver.CopyToHost(host, device, (nuint)bytes, Handle), "copying from the GPU");

    /// <summary>Queues a copy within the GPU.</summary>
    public void CopyOnDevice(nint target, nint source, long bytes) =>
        CudaDriver.Check(CudaDriver.CopyOnDevice(target, source, (nuint)bytes, Handle), "copying within the GPU");

    /// <summary>Queues zeros.</summary>
    public void Clear(DeviceBuffer buffer) => CudaDriver.Check(CudaDriver.Fill(buffer.Pointer, 0, (nuint)buffer.Bytes, Handle), "clearing the GPU's memory");

    /// <summary>Records what some code queues, instead of doing it. Memory and shapes are those of the recording, for good.</summary>
    public CudaGraphExec Capture(Action queue) => OnThread(() => CaptureHere(queue));

    /// <summary>Destroys it. What ran on it must be gone.</summary>
    public void Dispose()
    {
        _thread.Dispose();
        _ = CudaDriver.StreamDestroy(Handle);
    }

    private CudaGraphExec CaptureHere(Action queue)
    {
        // Of this thread alone: other streams go on allocating.
        CudaDriver.Check(CudaDriver.BeginCapture(Handle, ThreadLocal), "recording a graph");
        nint graph;
        try
        {
            queue();
        }
        catch
        {
            if (CudaDriver.EndCapture(Handle, out graph) == 0 && graph != 0)
                _ = CudaDriver.GraphDestroy(graph);
            throw;
        }

        CudaDriver.Check(CudaDriver.EndCapture(Handle, out graph), "recording a graph");
        return new CudaGraphExec(graph);
    }
}
