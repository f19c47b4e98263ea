using VlWorker.Contracts;
using VlWorker.Failures;
using VlWorker.Integration.Infrastructure;
using VlWorker.Publishing;

namespace VlWorker.Integration.Messaging;

/// <summary>The clock jumps by a day, back and forth, while messages flow, fail and wait: only deadlines care what time it is.</summary>
public sealed class ClockTests
{
    private const int Messages = 300;

    [Fact]
    public async Task A_clock_that_jumps_loses_rejects_and_doubles_nothing()
    {
        await using var broker = await TestBroker.CreateAsync();
        var clock = new JumpingClock();
        await using var worker = new TestWorker(new BrokerOptions { Uri = broker.Uri.ToString() }, time: clock);
        var (fetches, flaky) = (0, 0);
        worker.Store.Always = _ =>
        {
            // A day ahead, a day back, and the same again, in the middle of the work; once the store is gone for a moment.
            var now = Interlocked.Increment(ref fetches);
            if (now % 20 == 0)
                clock.Offset = clock.Offset == TimeSpan.Zero ? TimeSpan.FromDays(now % 40 == 0 ? 1 : -1) : TimeSpan.Zero;
            return now == 100 ? throw new DependencyException(Dependency.Store, "gone for a moment") : Task.CompletedTask;
        };
        worker.Store.On("flaky", _ => Interlocked.Increment(ref flaky) == 1 ? throw new TransientException("503") : Task.CompletedTask);
        await worker.StartAsync();
        for (var i = 0; i < Messages; i++)
        {
            var key = i == 7 ? "flaky" : "k";
            await broker.PublishAsync(Topology.RequestsExchange, i % 2 == 0 ? "interactive" : "backfill", $$"""{"id":"c{{i}}", "image": { "bucket":"b","key":"{{key}}" } }""");
        }


        var answers = (await broker.TakeAsync(Topology.ResultsQueue, Messages, TimeSpan.FromMinutes(1))).Select(message => Answer.Read(message.Body)).ToArray();

        Assert.Equal(Messages, answers.Select(answer => answer.Id).Distinct().Count());
        Assert.All(answers, answer => Assert.NotNull(answer.Image));
        await Eventually.TrueAsync("the worker to be ready", () => worker.Service.NotReady is null);
        await worker.StopAsync();
        foreach (var queue in (string[])[Topology.InteractiveQueue, Topology.BackfillQueue, Topology.ResultsQueue, Topology.DeadLettersQueue])
            Assert.Equal(0u, await broker.CountAsync(queue));
    }

    [Fact]
    public async Task A_deadline_is_judged_by_the_clock_of_the_moment()
    {
        await using var broker = await TestBroker.CreateAsync();
        var clock = new JumpingClock { Offset = TimeSpan.FromDays(1) };
        await using var worker = new TestWorker(new BrokerOptions { Uri = broker.Uri.ToString() }, time: clock);
        await worker.StartAsync();
        var body = $$"""{"id":"d","image":{"bucket":"b","key":"k"},"deadline":"{{DateTimeOffset.UtcNow.AddHours(1):O}}"}""";

        await broker.PublishAsync(Topology.RequestsExchange, "interactive", body);
        var ahead = Answer.Read(Assert.Single(await broker.TakeAsync(Topology.ResultsQueue, 1)).Body);
        clock.Offset = TimeSpan.Zero;
        await broker.PublishAsync(Topology.RequestsExchange, "interactive", body);
        var right = Answer.Read(Assert.Single(await broker.TakeAsync(Topology.ResultsQueue, 1)).Body);

        Assert.Equal((RejectionReason.Expired, true), (ahead.Rejection?.Reason, right.Image is not null));
    }

    /// <summary>The time of day can be set; how long things take can't.</summary>
    private sealed class JumpingClock : TimeProvider
    {
        private long _offset;

        public TimeSpan Offset
        {
            get => new(Interlocked.Read(ref _offset));
            set => Interlocked.Exchange(ref _offset, value.Ticks);
        }

        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + Offset;
    }
}
