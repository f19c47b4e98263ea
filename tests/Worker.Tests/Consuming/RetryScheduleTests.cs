using Microsoft.Extensions.Logging.Abstractions;
using Prometheus;
using VlWorker.Consuming;
using VlWorker.Contracts;
using VlWorker.Failures;
using VlWorker.Publishing;
using VlWorker.Telemetry;

namespace VlWorker.Worker.Tests.Consuming;

public sealed class RetryScheduleTests
{
    private readonly RecordingPublisher _broker = new();

    [Theory]
    [InlineData(0, "vl.retry.5s")]
    [InlineData(1, "vl.retry.1m")]
    [InlineData(2, "vl.retry.10m")]
    [InlineData(3, "vl.retry.10m")]
    [InlineData(4, "vl.dead")]
    [InlineData(400, "vl.dead")]
    public async Task Waits_get_longer_until_the_last_attempt(int attempts, string exchange)
    {
        var delivery = Deliver(new Dictionary<string, object?> { [Topology.AttemptHeader] = attempts, ["own"] = "kept", ["x-death"] = "the broker's" });

        var again = await Schedule(maxAttempts: 5).RetryOrBuryAsync(delivery, DeadLetterReason.AttemptsExhausted, new TransientException("503"), default);

        var (sentTo, key, body, properties) = Assert.Single(_broker.Published);
        Assert.Equal((exchange, "backfill", exchange != "vl.dead"), (sentTo, key, again));
        Assert.Equal(delivery.Body, body);
        Assert.Equal((attempts + 1, "kept"), ((int)properties.Number(Topology.AttemptHeader), properties.Text("own")));
        Assert.False(properties.Headers.ContainsKey("x-death"));
        Assert.Equal(exchange == "vl.dead", properties.Text(Topology.DeadReasonHeader) == DeadLetterReason.AttemptsExhausted);
    }

    [Fact]
    public async Task Waiting_for_a_place_is_no_attempt()
    {
        await Schedule(maxAttempts: 1).DeferAsync(Deliver(new Dictionary<string, object?> { [Topology.AttemptHeader] = 3, ["own"] = "kept" }), default);

        var (sentTo, key, _, properties) = Assert.Single(_broker.Published);
        Assert.Equal(("vl.retry.5s", "backfill"), (sentTo, key));
        Assert.Equal((3, "kept"), ((int)properties.Number(Topology.AttemptHeader), properties.Text("own")));
    }

    [Theory]
    [InlineData("2", 2)]
    [InlineData("many", 0)]
    [InlineData(-7, 0)]
    [InlineData(long.MaxValue, 1_000_000)]
    public void Any_attempt_header_is_survived(object header, int attempts) =>
        Assert.Equal(attempts, Deliver(new Dictionary<string, object?> { [Topology.AttemptHeader] = header }).Attempts);

    [Fact]
    public async Task A_copy_that_no_queue_takes_is_a_failure_of_the_broker()
    {
        _broker.Before = () => throw new UnroutableException("vl.dead", "backfill");

        var error = await Assert.ThrowsAsync<DependencyException>(
            () => Schedule(1).BuryAsync(Deliver([]), DeadLetterReason.MalformedJson, new MalformedException("no"), default));

        Assert.Equal(Dependency.Results, error.Dependency);
    }

    [Fact]
    public async Task Long_errors_are_cut()
    {
        await Schedule(1).BuryAsync(Deliver([]), DeadLetterReason.UnexpectedError, new InvalidOperationException(new string('x', 100_000)), default);

        Assert.Equal(2000, Assert.Single(_broker.Published).Properties.Text(Topology.DeadErrorHeader)!.Length);
    }

    private RetrySchedule Schedule(int maxAttempts) =>
        new(
            _broker,
            new ConsumingOptions { MaxAttempts = maxAttempts },
            new WorkerMetrics(Metrics.NewCustomRegistry()),
            TimeProvider.System,
            NullLogger<RetrySchedule>.Instance);

    private static Delivery Deliver(Dictionary<string, object?> headers) => new(
        new Lane(LaneKind.Backfill, Topology.BackfillQueue, Topology.BackfillRoutingKey, 1), [1, 2, 3], new MessageProperties { Headers = headers });
}
