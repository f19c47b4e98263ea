namespace VlWorker.Fetching;

/// <summary>The time-outs of one attempt: a token that is cancelled by the caller, or when what is awaited does not come in time.</summary>
internal sealed class Watchdog : IDisposable
{
    private readonly CancellationToken _caller;
    private readonly CancellationTokenSource _source;
    private readonly CancellationTokenRegistration _registration;

    public Watchdog(TimeProvider time, CancellationToken caller)
    {
        _caller = caller;
        _source = new CancellationTokenSource(Timeout.InfiniteTimeSpan, time);
        _registration = caller.UnsafeRegister(static state => ((CancellationTokenSource)state!).Cancel(), _source);
    }

    /// <summary>To be passed to whatever may hang.</summary>
    public CancellationToken Token => _source.Token;

    /// <summary>What was awaited when the time was up; null while it is not.</summary>
    public string? Missed => _source.IsCancellationRequested && !_caller.IsCancellationRequested ? Awaited : null;

    private string? Awaited { get; set; }

    /// <summary>Gives what comes next this much time; a pause ends with the next call.</summary>
    public void Expect(string what, TimeSpan within)
    {
        Awaited = what;
        _source.CancelAfter(within > TimeSpan.Zero ? within : TimeSpan.Zero);
    }

    /// <summary>Stops counting: what comes next is the worker's own business.</summary>
    public void Pause() => _source.CancelAfter(Timeout.InfiniteTimeSpan);

    /// <inheritdoc/>
    public void Dispose()
    {
        _registration.Dispose();
        _source.Dispose();
    }
}
