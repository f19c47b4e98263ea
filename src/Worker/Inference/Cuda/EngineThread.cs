using System.Collections.Concurrent;

namespace VlWorker.Inference.Cuda;

/// <summary>The thread of a stream on which ONNX Runtime runs its graphs, plainly or while they are recorded. What is recorded, any thread may start.</summary>
/// <remarks>
/// ONNX Runtime keeps the attention kernels that cuDNN compiles for a shape with the thread that asked for them, and they go when it ends. What was
/// recorded on a thread of a pool would go on calling them, and the GPU be lost by an illegal access (CUDA error 700); and what was compiled on one that
/// never ends would stay when the model is unloaded. So the thread lives as long as what it records.
/// </remarks>
internal sealed class EngineThread : IDisposable
{
    private readonly BlockingCollection<Task> _work = [];
    private readonly Thread _thread;

    /// <summary>Starts it.</summary>
    /// <param name="begin">What it does first.</param>
    /// <param name="name">Its name.</param>
    public EngineThread(Action begin, string name)
    {
        _thread = new Thread(Work) { IsBackground = true, Name = name };
        _thread.Start();
        try
        {
            Run(begin);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

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

    /// <summary>Lets it end, and waits until it has.</summary>
    public void Dispose()
    {
        _work.CompleteAdding();
        _thread.Join();
        _work.Dispose();
    }

    private void Work()
    {
        foreach (var task in _work.GetConsumingEnumerable())
            task.RunSynchronously();
    }
}
