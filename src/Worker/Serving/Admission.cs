using System.Threading.RateLimiting;

namespace VlWorker.Serving;

/// <summary>Bounds what REST requests have in the worker's hands: who comes when it is full is told to come again, and when.</summary>
internal sealed class Admission(ServingOptions options, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(1);

    private readonly ConcurrencyLimiter _limiter = new(new ConcurrencyLimiterOptions { PermitLimit = options.Backlog, QueueLimit = 0 });
    private double _seconds;

    /// <summary>Images and texts in hand.</summary>
    public int Held => options.Backlog - (int)(_limiter.GetStatistics()?.CurrentAvailablePermits ?? options.Backlog);

    /// <summary>When those that are in hand now will be done, as far as the last ones tell.</summary>
    public TimeSpan RetryAfter => TimeSpan.FromSeconds(Math.Clamp(Math.Ceiling(Volatile.Read(ref _seconds)), 1, Longest.TotalSeconds));

    /// <summary>Takes so many images or texts in hand; null if that would be too many. The caller disposes of the place once they are done.</summary>
    public IDisposable? TryEnter(int items)
    {
        var lease = _limiter.AttemptAcquire(items);
        if (lease.IsAcquired)
            return new Place(this, lease, time.GetTimestamp());
        lease.Dispose();
        return null;
    }

    /// <inheritdoc/>
    public void Dispose() => _limiter.Dispose();

    private void Leave(long entered)
    {
        // A lost update costs nothing but accuracy.
        var (seconds, last) = (time.GetElapsedTime(entered).TotalSeconds, Volatile.Read(ref _seconds));
        Volatile.Write(ref _seconds, last == 0 ? seconds : last + ((seconds - last) / 16));
    }

    private sealed class Place(Admission admission, RateLimitLease lease, long entered) : IDisposable
    {
        public void Dispose()
        {
            lease.Dispose();
            admission.Leave(entered);
        }
    }
}
