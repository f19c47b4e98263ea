namespace VlWorker.Producer.Broker;

/// <summary>Spreads work evenly over time. For one caller at a time.</summary>
/// <param name="perSecond">How often at most, or null for no limit.</param>
/// <param name="time">The clock.</param>
internal sealed class Pace(double? perSecond, TimeProvider time)
{
    /// <summary>Timers are no finer than this, so what is due within it goes at once.</summary>
    private static readonly TimeSpan Grain = TimeSpan.FromMilliseconds(15);

    private readonly TimeSpan _interval = perSecond is { } rate ? TimeSpan.FromSeconds(1 / rate) : TimeSpan.Zero;
    private readonly long _started = time.GetTimestamp();
    private TimeSpan _next;

    /// <summary>Returns when the next one may go.</summary>
    public async ValueTask WaitAsync(CancellationToken cancellation)
    {
        if (perSecond is null)
            return;
        var now = time.GetElapsedTime(_started);

        // What was not used is gone: no burst follows a pause.
        _next = _next < now ? now + _interval : _next + _interval;
        if (_next - now > Grain)
            await Task.Delay(_next - now, time, cancellation);
    }
}
