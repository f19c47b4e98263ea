using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using VlWorker.Consuming;
using VlWorker.Failures;
using VlWorker.Publishing;

namespace VlWorker.Worker.Tests.Consuming;

public sealed class ResultSenderTests
{
    private static readonly OutgoingResult Result = new("id", "described.interactive.-", [1], new MessageProperties(), ReplyTo: "me");
    private readonly WatchedClock _time = new();
    private readonly RecordingPublisher _broker = new();
    private readonly ConsumptionGate _gate;

    public ResultSenderTests() =>
        _gate = new ConsumptionGate(_time, NullLogger<ConsumptionGate>.Instance);

    [Fact]
    public async Task A_result_is_kept_and_goes_out_when_it_can()
    {
        var sender = Sender();
        _broker.Before = () => throw new DependencyException(Dependency.Results, "refused");
        var sending = sender.SendAsync(Result, default);
        Pass(TimeSpan.FromMinutes(1));
        Assert.Equal(("results: refused", 1), (_gate.State.Reason, sender.Held));
        await Assert.ThrowsAsync<DependencyException>(() => sender.ProbeAsync(_broker, default));

        _broker.Before = () => { };
        await PassUntilAsync(sending);
        await sending;

        Assert.Equal(["vl.results", ""], _broker.Published.Select(message => message.Exchange));
        Assert.Equal(0, sender.Held);
        await sender.ProbeAsync(_broker, default);
    }

    [Fact]
    public async Task A_failed_reply_does_not_publish_the_result_again()
    {
        var sender = Sender();
        _broker.Before = () =>
        {
            if (_broker.Calls is > 1 and < 4)
                throw new DependencyException(Dependency.Results, "refused");
        };
        var sending = sender.SendAsync(Result, default);
        await PassUntilAsync(sending);
        await sending;

        Assert.Equal(["vl.results", ""], _broker.Published.Select(message => message.Exchange));
        Assert.Equal(4, _broker.Calls);
    }

    [Fact]
    public async Task After_its_time_the_message_goes_back()
    {
        var sender = Sender();
        _broker.Before = () => throw new DependencyException(Dependency.Results, "refused");
        var sending = sender.SendAsync(Result, default);
        Pass(TimeSpan.FromMinutes(9));
        Assert.False(sending.IsCompleted);

        await PassUntilAsync(sending);

        await Assert.ThrowsAsync<DependencyException>(() => sending);
        Assert.Equal(0, sender.Held);
    }

    private ResultSender Sender()
    {
        var options = new PublishingOptions();
        var publisher = new ResultPublisher(_broker, options, _time, NullLogger<ResultPublisher>.Instance);
        return new ResultSender(publisher, _gate, options, _time);
    }

    private void Pass(TimeSpan time)
    {
        for (var passed = TimeSpan.Zero; passed < time; passed += TimeSpan.FromMilliseconds(250))
            _time.Advance(TimeSpan.FromMilliseconds(250));
    }

    /// <summary>Lets time pass until the task has ended: a pause at a time, and on only when the next one has begun.</summary>
    private async Task PassUntilAsync(Task end)
    {
        for (var step = 0; step < 10_000 && !end.IsCompleted; step++)
        {
            var pause = _time.NextTimer();
            Pass(TimeSpan.FromSeconds(5));
            await Task.WhenAny(end, pause);
        }

        Assert.True(end.IsCompleted);
    }

    /// <summary>A clock that tells when somebody begins to wait for it.</summary>
    private sealed class WatchedClock : FakeTimeProvider
    {
        private TaskCompletionSource _next = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>Ends when the next timer is made.</summary>
        public Task NextTimer() => (_next = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            var timer = base.CreateTimer(callback, state, dueTime, period);
            _next.TrySetResult();
            return timer;
        }
    }
}
