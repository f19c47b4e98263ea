using VlWorker.Fetching;

namespace VlWorker.Worker.Tests.Fetching;

public sealed class BackoffTests
{
    private readonly LeapingTime _time = new();

    [Fact]
    public async Task Pauses_double_with_jitter_and_end_with_the_attempts()
    {
        var backoff = new Backoff(new FetchingOptions { Attempts = 4, RetryDelayMs = 100, RetryForMs = 60_000 }, _time);

        while (await backoff.WaitAsync(default))
            Assert.InRange(_time.Pauses[^1].TotalMilliseconds, 50 << (backoff.Attempt - 2), 100 << (backoff.Attempt - 2));

        Assert.Equal((4, 3), (backoff.Attempt, _time.Pauses.Count));
    }

    [Fact]
    public async Task Pauses_differ_so_that_workers_do_not_come_back_together()
    {
        for (var i = 0; i < 30; i++)
            Assert.True(await new Backoff(new FetchingOptions { RetryDelayMs = 1_000 }, _time).WaitAsync(default));
        Assert.InRange(_time.Pauses.Distinct().Count(), 25, 30);
    }

    [Fact]
    public async Task No_attempt_begins_after_the_time_for_retries()
    {
        var backoff = new Backoff(new FetchingOptions { Attempts = 100, RetryDelayMs = 100, RetryForMs = 2_000 }, _time);

        while (await backoff.WaitAsync(default))
        {
        }

        Assert.InRange(_time.Pauses.Sum(pause => pause.TotalMilliseconds), 400, 2_000);
        Assert.InRange(backoff.Attempt, 4, 7);
    }

    [Fact]
    public async Task A_first_attempt_that_took_long_leaves_time_for_a_second_and_not_for_a_third()
    {
        _time.Leap(TimeSpan.FromMinutes(1));
        var backoff = new Backoff(new FetchingOptions(), _time);
        Assert.True(await backoff.WaitAsync(default));
        _time.Leap(TimeSpan.FromSeconds(10));
        Assert.False(await backoff.WaitAsync(default));
    }

    [Fact]
    public async Task A_caller_who_leaves_is_not_kept()
    {
        var backoff = new Backoff(new FetchingOptions { RetryDelayMs = 1_000 }, TimeProvider.System);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await backoff.WaitAsync(new CancellationToken(canceled: true)));
    }

    /// <summary>Every pause is over at once, and the clock has moved on by it.</summary>
    private sealed class LeapingTime : TimeProvider
    {
        private long _ticks;

        public List<TimeSpan> Pauses { get; } = [];

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _ticks;

        public void Leap(TimeSpan by) => _ticks += by.Ticks;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            Pauses.Add(dueTime);
            Leap(dueTime);
            return System.CreateTimer(callback, state, TimeSpan.Zero, period);
        }
    }
}
