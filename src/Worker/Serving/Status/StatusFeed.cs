using System.Runtime.CompilerServices;

namespace VlWorker.Serving.Status;

/// <summary>Hands the newest snapshot to everybody who watches. Whoever reads slowly misses some, and holds up nobody.</summary>
internal sealed class StatusFeed(IHostApplicationLifetime lifetime)
{
    private const int MostWatchers = 32;

    private readonly Lock _gate = new();
    private TaskCompletionSource _changed = NewSignal();
    private string? _latest;
    private int _watchers;

    /// <summary>The newest snapshot as JSON; null before the first.</summary>
    public string? Latest => Volatile.Read(ref _latest);

    /// <summary>Whether anybody watches.</summary>
    public bool IsWatched => Volatile.Read(ref _watchers) > 0;

    /// <summary>Replaces the newest snapshot.</summary>
    public void Publish(string json)
    {
        TaskCompletionSource changed;
        lock (_gate)
        {
            _latest = json;
            changed = _changed;
            _changed = NewSignal();
        }

        changed.SetResult();
    }

    /// <summary>The newest snapshot and then each that follows, until the worker stops; null if too many watch already.</summary>
    public IAsyncEnumerable<string>? TryWatch(CancellationToken cancellation)
    {
        if (Interlocked.Increment(ref _watchers) <= MostWatchers)
            return WatchAsync(cancellation);
        Interlocked.Decrement(ref _watchers);
        return null;
    }

    private async IAsyncEnumerable<string> WatchAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        try
        {
            // The server waits for open connections when it stops: these end by themselves.
            using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellation, lifetime.ApplicationStopping);
            while (true)
            {
                Task changed;
                string? latest;
                lock (_gate)
                    (changed, latest) = (_changed.Task, _latest);
                if (latest is not null)
                    yield return latest;
                await changed.WaitAsync(ending.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                if (ending.IsCancellationRequested)
                    yield break;
            }
        }
        finally
        {
            Interlocked.Decrement(ref _watchers);
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
