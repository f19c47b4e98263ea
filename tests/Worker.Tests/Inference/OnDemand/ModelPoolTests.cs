using Microsoft.Extensions.Time.Testing;
using Prometheus;
using VlWorker.Contracts;
using VlWorker.Failures;
using VlWorker.Inference;
using VlWorker.Inference.OnDemand;
using VlWorker.ModelKit;
using VlWorker.Telemetry;

namespace VlWorker.Worker.Tests.Inference.OnDemand;

/// <summary>Which models are in memory, and who waits for them. Loads are real threads; the clock is the test's.</summary>
public sealed class ModelPoolTests
{
    private const string Cpu = "cpu";

    private static readonly InferenceOptions Options = new()
    {
        ModelMemoryBytes = 100,
        ModelTurn = TimeSpan.FromSeconds(4),
        ModelIdle = TimeSpan.FromMinutes(1),
        ModelWait = TimeSpan.FromSeconds(30),
    };

    private readonly FakeTimeProvider _time = new(DateTimeOffset.UnixEpoch.AddYears(60));
    private readonly WorkerMetrics _metrics = new(Metrics.NewCustomRegistry());

    [Fact]
    public async Task All_who_come_while_a_model_is_loaded_wait_for_the_one_load()
    {
        using var rig = Rig(("a", 60));
        rig.Hold("a");
        var waiting = Enumerable.Range(0, 8).Select(_ => rig.AcquireAsync("a")).ToArray();
        await rig.UntilAsync("a", Residency.Loading);
        Assert.All(waiting, lease => Assert.False(lease.IsCompleted));

        rig.LetGo("a");
        await Task.WhenAll(waiting);

        Assert.Equal(1, rig.Loads("a"));
    }

    [Fact]
    public async Task A_model_that_is_there_answers_while_another_is_loaded()
    {
        using var rig = Rig(("a", 40), ("b", 40));
        (await rig.AcquireAsync("a")).Dispose();
        rig.Hold("b");
        var other = rig.AcquireAsync("b");
        await rig.UntilAsync("b", Residency.Loading);

        Assert.True(rig.AcquireAsync("a").IsCompletedSuccessfully);
        rig.LetGo("b");
        await other;
    }

    [Fact]
    public async Task The_least_recently_used_that_nobody_uses_makes_room()
    {
        using var rig = Rig(("a", 40), ("b", 40), ("c", 40));
        (await rig.AcquireAsync("a")).Dispose();
        (await rig.AcquireAsync("b")).Dispose();
        _time.Advance(Options.ModelTurn);
        (await rig.AcquireAsync("a")).Dispose();
        _time.Advance(Options.ModelTurn);

        (await rig.AcquireAsync("c")).Dispose();

        Assert.Equal([Residency.Loaded, Residency.Unloaded, Residency.Loaded], rig.States("a", "b", "c"));
    }

    [Fact]
    public async Task A_model_in_use_stays_until_its_last_lease_is_back_and_takes_nobody_in_after_its_turn()
    {
        using var rig = Rig(("a", 60), ("b", 60));
        var held = await rig.AcquireAsync("a");
        var other = rig.AcquireAsync("b");
        // Within its turn it is served on, whoever waits.
        var within = await rig.AcquireAsync("a");
        within.Dispose();
        _time.Advance(Options.ModelTurn);

        var after = rig.AcquireAsync("a");
        Assert.False(after.IsCompleted);
        Assert.False(other.IsCompleted);
        Assert.Equal(Residency.Loaded, rig.State("a"));
        held.Dispose();
        (await other).Dispose();
        Assert.False(after.IsCompleted);
        _time.Advance(Options.ModelTurn);
        (await after).Dispose();

        Assert.Equal((2, 1), (rig.Loads("a"), rig.Loads("b")));
    }

    [Fact]
    public async Task Two_that_do_not_fit_together_are_served_in_bursts_and_neither_starves()
    {
        using var rig = Rig(("a", 60), ("b", 60));
        var served = new Dictionary<string, int> { ["a"] = 0, ["b"] = 0 };
        // Requests for both come without end: each that is served is followed by the next for the same model.
        var next = new Dictionary<string, Task<ModelLease>> { ["a"] = rig.AcquireAsync("a"), ["b"] = rig.AcquireAsync("b") };
        for (var i = 0; i < 400; i++)
        {
            var alias = await Task.WhenAny(next.Values) == next["a"] ? "a" : "b";
            var lease = await next[alias];
            _time.Advance(TimeSpan.FromMilliseconds(100));
            // The next is there before this one is done, so that the model is never idle.
            next[alias] = rig.AcquireAsync(alias);
            lease.Dispose();
            served[alias]++;
        }

        Assert.All(served.Values, count => Assert.InRange(count, 120, 280));
        // 40 seconds of work in turns of 4.
        Assert.InRange(rig.Loads("a") + rig.Loads("b"), 8, 14);
    }

    [Fact]
    public async Task A_model_that_nobody_needs_goes_after_a_while_and_comes_back()
    {
        using var rig = Rig(("a", 60));
        (await rig.AcquireAsync("a")).Dispose();
        _time.Advance(Options.ModelIdle - TimeSpan.FromSeconds(1));
        Assert.Equal(Residency.Loaded, rig.State("a"));

        _time.Advance(TimeSpan.FromSeconds(1));
        await rig.UntilAsync("a", Residency.Unloaded);
        (await rig.AcquireAsync("a")).Dispose();

        Assert.Equal((2, 2), (rig.Loads("a"), rig.Disposals("a")));
    }

    [Fact]
    public async Task Whoever_waits_too_long_tries_again_later_and_a_deadline_that_passes_rejects()
    {
        using var rig = Rig(("a", 60), ("b", 60));
        using var held = await rig.AcquireAsync("a");
        var patient = rig.AcquireAsync("b");
        var urgent = rig.AcquireAsync("b", _time.GetUtcNow() + TimeSpan.FromSeconds(10));

        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(RejectionReason.Expired, (await Assert.ThrowsAsync<RejectedException>(() => urgent)).Reason);
        Assert.False(patient.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(20));
        await Assert.ThrowsAsync<TransientException>(() => patient);

        // Nobody needs the room any more: the model takes requests again.
        Assert.True(rig.AcquireAsync("a").IsCompletedSuccessfully);
    }

    [Fact]
    public async Task Whoever_gives_up_while_waiting_holds_nothing()
    {
        using var rig = Rig(("a", 60), ("b", 60));
        rig.Hold("a");
        using var cancelled = new CancellationTokenSource();
        var waiting = rig.AcquireAsync("a", null, cancelled.Token);
        await rig.UntilAsync("a", Residency.Loading);
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        rig.LetGo("a");
        await rig.UntilAsync("a", Residency.Loaded);
        _time.Advance(Options.ModelTurn);

        (await rig.AcquireAsync("b")).Dispose();

        Assert.Equal(Residency.Unloaded, rig.State("a"));
    }

    [Fact]
    public async Task A_folder_that_is_broken_is_this_workers_fault_and_a_probe_tells_when_it_is_mended()
    {
        using var rig = Rig(("a", 60), ("b", 40));
        rig.Break("a", new ModelFolderException("a", ["model.onnx is missing"]));

        var error = await Assert.ThrowsAsync<DependencyException>(() => rig.AcquireAsync("a"));
        Assert.Equal(Dependency.Models, error.Dependency);
        Assert.Contains("model.onnx is missing", error.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<DependencyException>(() => rig.Pool.ProbeAsync(CancellationToken.None));
        (await rig.AcquireAsync("b")).Dispose();
        rig.Break("a", null);
        await rig.Pool.ProbeAsync(CancellationToken.None);

        Assert.Equal(Residency.Loaded, rig.State("a"));
    }

    [Fact]
    public async Task Where_there_is_no_memory_what_nobody_uses_makes_room_and_then_it_is_a_passing_fault()
    {
        using var rig = Rig(("a", 40), ("b", 40));
        (await rig.AcquireAsync("b")).Dispose();
        rig.Break("a", new OutOfMemoryException());

        await Assert.ThrowsAsync<TransientException>(() => rig.AcquireAsync("a"));

        Assert.Equal((Residency.Unloaded, Residency.Unloaded), (rig.State("a"), rig.State("b")));
    }

    [Fact]
    public async Task Copies_on_several_devices_come_and_go_together_and_each_device_has_its_limit()
    {
        using var rig = new PoolRig(Options, _metrics, _time, [("a", [(Cpu, 60L), ("cpu:1", 30L)]), ("b", [(Cpu, 30L)]), ("c", [("cpu:1", 80L)])]);
        (await rig.AcquireAsync("a")).Dispose();
        (await rig.AcquireAsync("b")).Dispose();
        Assert.Equal([Residency.Loaded, Residency.Loaded], rig.States("a", "b"));
        _time.Advance(Options.ModelTurn);

        (await rig.AcquireAsync("c")).Dispose();

        Assert.Equal([Residency.Unloaded, Residency.Loaded, Residency.Loaded], rig.States("a", "b", "c"));
        Assert.Equal(4, rig.Disposals("a"));
    }

    [Fact]
    public async Task A_worker_that_stops_lets_nobody_wait()
    {
        var rig = Rig(("a", 60));
        rig.Hold("a");
        var waiting = rig.AcquireAsync("a");
        await rig.UntilAsync("a", Residency.Loading);
        var stopping = Task.Run(rig.Dispose);

        await Assert.ThrowsAsync<DependencyException>(() => waiting);
        rig.LetGo("a");
        await stopping;
        await Assert.ThrowsAsync<DependencyException>(() => rig.AcquireAsync("a"));
    }

    private PoolRig Rig(params (string Alias, long Bytes)[] models) =>
        new(Options, _metrics, _time, [.. models.Select(model => (model.Alias, (IReadOnlyList<(string, long)>)[(Cpu, model.Bytes)]))]);
}
