namespace VlWorker.ModelKit.Downloads;

/// <summary>Cancels what makes no progress for too long.</summary>
internal sealed class StallGuard : IDisposable
{
    private readonly TimeSpan _timeout;
    private readonly CancellationTokenSource _stall;
    private readonly CancellationTokenSource _either;

    public StallGuard(TimeSpan timeout, TimeProvider time, CancellationToken cancellation)
    {
        _timeout = timeout;
        _stall = new CancellationTokenSource(timeout, time);
        _either = CancellationTokenSource.CreateLinkedTokenSource(_stall.Token, cancellation);
    }

    /// <summary>Cancelled by a stall, or by the caller.</summary>
    public CancellationToken Token => _either.Token;

    /// <summary>Something came: the time starts anew.</summary>
    public void Progress() => _stall.CancelAfter(_timeout);

    public void Dispose()
    {
        _either.Dispose();
        _stall.Dispose();
    }
}
