using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using VlWorker.Consuming;
using VlWorker.Failures;

namespace VlWorker.Worker.Tests.Consuming;

public sealed class ConsumptionGateTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly ConsumptionGate _gate;

    public ConsumptionGateTests() =>
        _gate = new ConsumptionGate(_time, NullLogger<ConsumptionGate>.Instance);

    [Fact]
    public void Names_everything_that_is_gone_and_since_when()
    {
        Assert.Null(_gate.State.Reason);
        _time.Advance(TimeSpan.FromMinutes(5));
        var closed = _time.GetUtcNow();

        _gate.Close(new DependencyException(Dependency.Results, "queue full"));
        _time.Advance(TimeSpan.FromMinutes(1));
        _gate.Close(new DependencyException(Dependency.Store, "refused"));
        _gate.Close(new DependencyException(Dependency.Store, "wrong secret"));

        Assert.Equal("store: wrong secret; results: queue full", _gate.State.Reason);
        Assert.Equal(closed, _gate.State.Since);
    }

    [Fact]
    public async Task Wakes_those_who_wait_for_either_side()
    {
        var closed = _gate.WhenClosedAsync(default);
        Assert.True(_gate.WhenOpenAsync(default).IsCompletedSuccessfully);
        Assert.False(closed.IsCompleted);

        _gate.Close(Dependency.Store, "gone");
        await closed;
        var open = _gate.WhenOpenAsync(default);
        _gate.Close(Dependency.Results, "gone too");
        Assert.False(open.IsCompleted);

        _gate.Open();
        await open;
        Assert.True(_gate.State.IsOpen);
    }

    [Fact]
    public async Task Waiting_can_be_given_up()
    {
        using var cancellation = new CancellationTokenSource();
        var waiting = _gate.WhenClosedAsync(cancellation.Token);

        await cancellation.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
    }
}
