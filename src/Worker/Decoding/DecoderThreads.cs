using System.Collections.Concurrent;

namespace VlWorker.Decoding;

/// <summary>
/// Threads that do nothing but decode. Work of milliseconds without a wait would hold the thread pool's few threads, and the
/// continuations of the broker's and the store's sockets would queue behind it; here the operating system shares the processors out.
/// A thread also keeps its working memory, and native allocations stay in as many heaps as there are decoders.
/// </summary>
internal sealed class DecoderThreads : IDisposable
{
    private readonly BlockingCollection<Action<DecoderScratch>> _work;
    private readonly Thread[] _threads;

    public DecoderThreads(int count)
    {
        // Whoever calls holds a decoder slot, so there is never more work than threads.
        _work = new BlockingCollection<Action<DecoderScratch>>(count);
        _threads = [.. Enumerable.Range(0, count).Select(i => new Thread(Loop) { IsBackground = true, Name = $"decoder {i}" })];
        foreach (var thread in _threads)
            thread.Start();
    }

    /// <summary>Runs <paramref name="work"/> on one of the threads.</summary>
    public Task<T> Run<T>(Func<DecoderScratch, T> work)
    {
        var completion = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        _work.Add(scratch =>
        {
            try
            {
                completion.SetResult(work(scratch));
            }
            catch (OperationCanceledException e)
            {
                completion.SetCanceled(e.CancellationToken);
            }
            catch (Exception e)
            {
                completion.SetException(e);
            }
        });
        return completion.Task;
    }

    /// <summary>Lets the work that was begun end, and the threads with it.</summary>
    public void Dispose()
    {
        _work.CompleteAdding();
        foreach (var thread in _threads)
            thread.Join();
        _work.Dispose();
    }

    private void Loop()
    {
        using var scratch = new DecoderScratch();
        foreach (var work in _work.GetConsumingEnumerable())
            work(scratch);
    }
}
