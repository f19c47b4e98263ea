using VlWorker.Contracts;
using VlWorker.Integration.Faults;
using VlWorker.Integration.Infrastructure;

namespace VlWorker.Integration.EndToEnd;

/// <summary>The broker fails a worker in every way it can. <see cref="NothingLostTests"/> restarts it and leaves the results without a queue.</summary>
[Trait("Category", "Full")]
public sealed class BrokerFaultTests(SampleStore samples) : IClassFixture<SampleStore>, IAsyncLifetime
{
    private FaultBench _bench = null!;

    public async Task InitializeAsync() => _bench = await FaultBench.StartAsync(samples);

    public async Task DisposeAsync()
    {
        await _bench.StopAsync();
        await _bench.Broker.DisposeAsync();
    }

    [Fact]
    public async Task The_broker_is_killed()
    {
        await StartAsync([]);
        await _bench.PublishAsync();
        await _bench.AnsweredAsync(60);

        await _bench.Broker.KillAsync();
        await _bench.Broker.StartAsync();

        await _bench.Client.ListenAsync();
        await _bench.NothingIsLostAsync(FaultBench.InHand);
    }

    /// <summary>The broker takes results, and the worker does not hear of it.</summary>
    [Fact]
    public Task The_connection_is_cut_before_the_confirm() => CutAsync(Traffic.IsPublisher, new FaultPlan { StallAfter = 0 });

    /// <summary>Results are confirmed, and no ack of their requests reaches the broker.</summary>
    [Fact]
    public Task The_connection_is_cut_between_the_confirm_and_the_ack() => CutAsync(Traffic.IsConsumer, new FaultPlan { Freeze = true });

    [Fact]
    public async Task The_queue_of_the_results_is_full()
    {
        await LimitAnswersAsync("50");
        var worker = await _bench.StartWorkerAsync(settings: new() { ["Publishing:DeclareResultsQueue"] = "false" });
        await _bench.DeclareAnswersAsync();
        await _bench.PublishAsync();
        await worker.NotReadyAsync("its queue is full");

        await _bench.ListenAsync();

        await _bench.NothingIsLostAsync(redelivered: 0);
    }

    [Fact]
    public async Task A_memory_alarm_blocks_publishers()
    {
        var worker = await StartAsync(new() { ["Publishing:ConfirmTimeout"] = "00:00:02" });
        await _bench.PublishAsync();
        await _bench.AnsweredAsync(60);

        await _bench.Broker.CallAsync("vm_memory_monitor set_vm_memory_high_watermark [0.0001]");
        await worker.NotReadyAsync("takes no messages");
        await _bench.Broker.CallAsync("vm_memory_monitor set_vm_memory_high_watermark [0.4]");

        // What was on its way when the alarm came is published again after it, once, however long it took.
        await _bench.NothingIsLostAsync(FaultBench.InHand);
        Assert.All(_bench.Client.Answers.Values, answers => Assert.InRange(answers.Count, 1, 2));
    }

    [Fact]
    public async Task Twenty_five_workers_die_with_the_same_messages_in_hand()
    {
        const int Messages = 100;
        await using var proxy = FaultProxy.Start(_bench.Store.Owner.Endpoint);
        proxy.Plan = new FaultPlan { Matches = Traffic.IsImage, Freeze = true };
        Dictionary<string, string> patient = new()
        {
            ["Store:Endpoint"] = $"http://127.0.0.1:{proxy.Port}",
            ["Fetching:FirstByteTimeoutMs"] = "600000",
        };
        var first = await StartAsync(patient);
        await _bench.PublishAsync(Messages);
        await AllInHandAsync();
        await first.KillAsync();
        for (var restart = 1; restart < 25; restart++)
        {
            var worker = await _bench.StartWorkerAsync(settings: patient);
            await AllInHandAsync();
            await worker.KillAsync();
        }

        proxy.Plan = FaultPlan.None;
        await _bench.StartWorkerAsync();

        await _bench.NothingIsLostAsync(redelivered: 0);
    }

    [Fact]
    public async Task The_consumer_time_out_takes_messages_away()
    {
        // The broker looks once a minute by default.
        await _bench.Broker.CallAsync("application set_env [rabbit,consumer_timeout,3000]");
        await _bench.Broker.CallAsync("application set_env [rabbit,channel_tick_interval,500]");
        await using var proxy = FaultProxy.Start(_bench.Store.Owner.Endpoint);
        await StartAsync(new() { ["Store:Endpoint"] = $"http://127.0.0.1:{proxy.Port}" });
        proxy.Plan = new FaultPlan { Matches = Traffic.IsImage, Delay = TimeSpan.FromSeconds(8) };
        await _bench.PublishAsync();
        await Eventually.TrueAsync("the time-out", () => _bench.Broker.Log.Contains("has timed out waiting for", StringComparison.Ordinal));

        proxy.Plan = FaultPlan.None;

        await _bench.NothingIsLostAsync(FaultBench.InHand);
    }

    [Fact]
    public async Task The_queues_are_deleted_under_the_worker()
    {
        var worker = await StartAsync([]);
        await _bench.PublishAsync();
        await _bench.AnsweredAsync(60);

        foreach (var queue in (string[])[Topology.InteractiveQueue, Topology.BackfillQueue])
            await _bench.Broker.UseAsync(channel => channel.QueueDeleteAsync(queue, ifUnused: false, ifEmpty: false));
        foreach (var queue in (string[])[Topology.InteractiveQueue, Topology.BackfillQueue])
            await Eventually.SucceedsAsync($"{queue} to be there again", () => _bench.Broker.CountAsync(queue));
        await worker.ReadyAsync();

        // Whoever deletes a queue deletes what it holds, what is unacked included.
        _bench.ForgetUnanswered();
        await _bench.PublishAsync(100);
        await _bench.NothingIsLostAsync(redelivered: 0);
    }

    /// <summary>Lets twenty more answers come under a plan for some of the worker's connections, and cuts these.</summary>
    private async Task CutAsync(Func<string, bool> connections, FaultPlan plan)
    {
        await using var proxy = FaultProxy.Start(_bench.Broker.Uri);
        await StartAsync(new() { ["Broker:Uri"] = new UriBuilder(_bench.Broker.Uri) { Port = proxy.Port }.Uri.ToString() });
        await _bench.PublishAsync();
        await _bench.AnsweredAsync(60);

        proxy.Plan = plan with { Connections = connections };
        await _bench.AnsweredAsync(_bench.Client.Answers.Count + 20);
        proxy.Plan = FaultPlan.None;
        await proxy.CutAsync(reset: true, connections);

        Assert.NotEqual(0, await _bench.NothingIsLostAsync(FaultBench.InHand));
    }

    private async Task<WorkerProcess> StartAsync(Dictionary<string, string> settings)
    {
        var worker = await _bench.StartWorkerAsync(settings: settings);
        await _bench.ListenAsync();
        return worker;
    }

    private async Task AllInHandAsync()
    {
        foreach (var queue in (string[])[Topology.InteractiveQueue, Topology.BackfillQueue])
            await _bench.Broker.WaitForCountAsync(queue, 0);
    }

    private Task LimitAnswersAsync(string length) => _bench.Broker.ControlAsync(
        "set_policy", "answers", $"^{Client.Queue}$", $$"""{"max-length":{{length}},"overflow":"reject-publish"}""", "--apply-to", "queues");
}
