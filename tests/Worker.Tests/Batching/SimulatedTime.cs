namespace VlWorker.Worker.Tests.Batching;

/// <summary>A clock that goes from event to event, and the timers on it.</summary>
internal sealed class SimulatedTime : TimeProvider
{
    private readonly List<Timer> _timers = [];
    private long _ticks;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <summary>Milliseconds at which the next timer fires; infinite if none is set.</summary>
    public double NextTimer => _timers.Count == 0 ? double.PositiveInfinity : _timers.Min(timer => timer.Due);

    public override long GetTimestamp() => _ticks;

    public override DateTimeOffset GetUtcNow() => DateTimeOffset.UnixEpoch.AddYears(60).AddTicks(_ticks);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new Timer(this, callback, state);
        timer.Change(dueTime, period);
        _timers.Add(timer);
        return timer;
    }

    /// <summary>Goes to a moment and fires what is due.</summary>
    public void GoTo(double milliseconds)
    {
        _ticks = (long)Math.Ceiling(milliseconds * TimeSpan.TicksPerMillisecond);
        foreach (var timer in _timers.Where(timer => timer.Due <= milliseconds).ToList())
            timer.Fire();
    }

    /// <summary>Fires once.</summary>
    private sealed class Timer(SimulatedTime time, TimerCallback callback, object? state) : ITimer
    {
        public double Due { get; private set; } = double.PositiveInfinity;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            Due = dueTime == Timeout.InfiniteTimeSpan
                ? double.PositiveInfinity
                : (time._ticks / (double)TimeSpan.TicksPerMillisecond) + dueTime.TotalMilliseconds;
            return true;
        }

        public void Fire()
        {
            Due = double.PositiveInfinity;
            callback(state);
        }

        public void Dispose() => time._timers.Remove(this);

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
