using System.Collections.Concurrent;

namespace VlWorker.Inference.Cuda;

/// <summary>The thread of a GPU on which models are loaded and their graphs recorded. It lives as long as the process.</summary>
/// <remarks>
/// ONNX Runtime keeps the attention kernels that cuDNN compiles for a shape with the thread that asked for them, and they go when it ends. What was
/// recorded on a thread of a pool would go on calling them, and the GPU be lost by an illegal access (CUDA error 700).
/// </remarks>
internal sealed class RecordingThread
{
    private static readonly ConcurrentDictionary<int, Lazy<RecordingThread>> All = new();

    private readonly BlockingCollection<Task> _work = [];
    private readonly Thread _thread;

    private RecordingThread(int device)
    {
        _thread = new Thread(Work) { IsBackground = true, Name = $"recording-cuda:{device}" };
        _thread.Start();
    }

    /// <summary>That of a GPU.</summary>
    public static RecordingThread Of(int device) => All.GetOrAdd(device, static index => new Lazy<RecordingThread>(() => new RecordingThread(index))).Value;

    /// <summary>Runs something on it, after what others run, and waits. What it throws is thrown here.</summary>
    public T Run<T>(Func<T> work)
    {
        if (Thread.CurrentThread == _thread)
            return work();
        var task = new Task<T>(work);
        _work.Add(task);
        return task.GetAwaiter().GetResult();
    }

    /// <inheritdoc cref="Run{T}"/>
    public void Run(Action work) => Run(() =>
    {
        work();
        return true;
    });

    private void Work()
    {
        foreach (var task in _work.GetConsumingEnumerable())
            task.RunSynchronously();
    }
}
