namespace VlWorker.Integration.Infrastructure;

/// <summary>The worker as a process: start, readiness, signals, exit codes.</summary>
public sealed class WorkerProcessTests(TestBroker broker, TestStore store) : IClassFixture<TestBroker>, IClassFixture<TestStore>
{
    [Fact]
    public async Task Becomes_ready_serves_metrics_and_stops_orderly_on_sigterm()
    {
        await using var worker = await StartAsync();

        Assert.Equal(new Readiness(true, "ready"), await worker.ReadinessAsync());
        var metrics = await worker.MetricsAsync();
        Assert.True(metrics.Sum("vlworker_consuming") == 1 && metrics.Sum("vlworker_model_load_seconds") > 0, metrics.Text);

        worker.Terminate();
        await worker.ExpectExitAsync(0);
    }

    [Fact]
    public async Task Ends_at_once_on_sigkill()
    {
        await using var worker = await StartAsync();

        await worker.KillAsync();

        await worker.ExpectExitAsync(WorkerProcess.KilledExitCode);
    }

    [Fact]
    public async Task Settings_that_are_wrong_end_it_with_2_and_all_reasons()
    {
        var wrong = new Dictionary<string, string> { ["Broker:Uri"] = "nonsense", ["Batching:MaxBatch"] = "many" };
        await using var worker = await WorkerProcess.StartAsync(broker.Uri, store.Owner, [store.Bucket], wrong, waitUntilReady: false);

        await worker.ExpectExitAsync(2);

        Assert.Contains("Broker: Uri", worker.Log, StringComparison.Ordinal);
        Assert.Contains("Batching:MaxBatch", worker.Log, StringComparison.Ordinal);
        Assert.DoesNotContain(store.Owner.SecretKey, worker.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Waiting_for_a_worker_that_has_ended_fails_at_once_with_its_output()
    {
        var wrong = new Dictionary<string, string> { ["Batching:MaxBatch"] = "many" };

        var error = await Assert.ThrowsAsync<InvalidOperationException>(
            () => WorkerProcess.StartAsync(broker.Uri, store.Owner, [store.Bucket], wrong));

        Assert.Contains("Batching:MaxBatch", error.Message, StringComparison.Ordinal);
    }

    private Task<WorkerProcess> StartAsync() => WorkerProcess.StartAsync(broker.Uri, store.Owner, [store.Bucket], []);
}
