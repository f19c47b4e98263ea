using VlWorker.Contracts;
using VlWorker.Integration.Infrastructure;

namespace VlWorker.Integration.EndToEnd;

/// <summary>
/// Five hundred messages each, and something breaks on the way: every message ends with at least one result, none is dead-lettered or
/// rejected for a fault that was not its own, and what was delivered twice has equal results.
/// </summary>
public sealed class NothingLostTests
{
    private const int InHand = FaultBench.InHand;

    [Fact]
    public async Task A_worker_is_told_to_stop_with_a_full_pipeline()
    {
        await using var bench = await FaultBench.StartAsync();
        var first = await bench.StartWorkerAsync();
        await bench.ListenAsync();
        await bench.PublishAsync();
        await bench.AnsweredAsync(60);
        Assert.Equal(0, await first.StopAsync());
        Assert.True(bench.Client.Answers.Count < FaultBench.Messages, "the pipeline was not full any more");
        await bench.StartWorkerAsync();
        // What was in hand was finished within the grace period: nothing is delivered again.
        await bench.NothingIsLostAsync(redelivered: 0);
    }

    [Fact]
    public async Task A_worker_is_killed_at_a_random_moment()
    {
        await using var bench = await FaultBench.StartAsync();
        var first = await bench.StartWorkerAsync();
        await bench.ListenAsync();
        await bench.PublishAsync();
        await bench.AnsweredAsync(Random.Shared.Next(1, 300));
        await first.KillAsync();
        await bench.StartWorkerAsync();
        await bench.NothingIsLostAsync(InHand);
    }

    // RabbitMqOutageTests restart and kill a broker at every run.
    [Fact]
    [Trait("Category", "Full")]
    public async Task The_broker_is_restarted()
    {
        await using var bench = await FaultBench.StartAsync();
        await bench.StartWorkerAsync();
        await bench.ListenAsync();
        await bench.PublishAsync();
        await bench.AnsweredAsync(60);
        await bench.Broker.RestartAsync();
        await bench.Client.ListenAsync();
        await bench.NothingIsLostAsync(InHand);
    }

    [Fact]
    [Trait("Category", "Full")]
    public async Task The_store_is_down_for_twenty_seconds()
    {
        await using var bench = await FaultBench.StartAsync();
        var worker = await bench.StartWorkerAsync();
        await bench.ListenAsync();
        await bench.PublishAsync();
        await bench.AnsweredAsync(60);
        await bench.Store.KillAsync();
        await worker.NotReadyAsync("Store");
        using (var downtime = new PeriodicTimer(TimeSpan.FromSeconds(20)))
            await downtime.WaitForNextTickAsync();
        await bench.Store.StartAsync();
        await bench.NothingIsLostAsync(redelivered: InHand);
    }

    [Fact]
    [Trait("Category", "Full")]
    public async Task The_store_is_down_for_longer_than_all_retries_together()
    {
        await using var bench = await FaultBench.StartAsync();
        // Two attempts: the retries of one fetch take 2 s, the wait between the attempts 5 s; together less than 10 s.
        var worker = await bench.StartWorkerAsync(settings: new() { ["Consuming:MaxAttempts"] = "2" });
        await bench.ListenAsync();
        await bench.PublishAsync();
        await bench.AnsweredAsync(60);
        await bench.Store.KillAsync();
        await worker.NotReadyAsync("Store");
        using (var downtime = new PeriodicTimer(TimeSpan.FromSeconds(40)))
            await downtime.WaitForNextTickAsync();
        await bench.Store.StartAsync();
        await bench.NothingIsLostAsync(InHand);
    }

    [Fact]
    [Trait("Category", "Full")]
    public async Task The_secret_is_wrong_and_mended_after_a_minute()
    {
        await using var bench = await FaultBench.StartAsync();
        var worker = await bench.StartWorkerAsync(waitUntilReady: false, store: bench.Store.Owner with { SecretKey = "mended-later" });
        await worker.NotReadyAsync("Store");
        await bench.ListenAsync();
        await bench.PublishAsync();
        using (var minute = new PeriodicTimer(TimeSpan.FromMinutes(1)))
            await minute.WaitForNextTickAsync();
        Assert.Empty(bench.Client.Answers);
        await bench.Store.SetOwnerSecretAsync("mended-later");
        await bench.NothingIsLostAsync(InHand);
    }

    [Fact]
    public async Task No_queue_is_bound_to_the_results()
    {
        await using var bench = await FaultBench.StartAsync();
        var worker = await bench.StartWorkerAsync(settings: new() { ["Publishing:DeclareResultsQueue"] = "false" });
        await bench.PublishAsync();
        await worker.NotReadyAsync("Results");
        Assert.NotEqual(0u, await bench.Broker.CountAsync(Topology.BackfillQueue));
        await bench.ListenAsync();
        await bench.NothingIsLostAsync(InHand);
    }
}
