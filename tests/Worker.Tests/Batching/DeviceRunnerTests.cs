using Prometheus;
using VlWorker.Batching;
using VlWorker.Failures;
using VlWorker.Inference;
using VlWorker.Telemetry;

namespace VlWorker.Worker.Tests.Batching;

public sealed class DeviceRunnerTests
{
    [Fact]
    public async Task Every_row_gets_its_own_outcome_and_its_input_is_disposed_once()
    {
        var model = new StubModel(rows => [.. rows.Select(row => (InferenceOutcome)(((StubInput)row).Name == "bad"
            ? new FailedOutcome(new InvalidOperationException("bad row"))
            : new EmbeddingOutcome([((StubInput)row).Name.Length])))]);
        using var batcher = new DynamicBatcher(new BatchingOptions { MaxBatch = 8, MaxWaitMs = 1 }, TimeProvider.System);
        using var runner = Runner(batcher, new Device("cpu", 2, 8, [model]));
        runner.Start();
        var inputs = Enumerable.Range(0, 100).Select(i => new StubInput(i % 10 == 3 ? "bad" : new string('x', i + 4))).ToArray();
        var tasks = inputs.Select(input => batcher.SubmitAsync(input, model, new RowTerms(BatchPriority.Interactive), CancellationToken.None)).ToArray();
        for (var i = 0; i < tasks.Length; i++)
        {
            if (inputs[i].Name == "bad")
                await Assert.ThrowsAsync<TransientException>(() => tasks[i]);
            else
                Assert.Equal(inputs[i].Name.Length, ((EmbeddingOutcome)(await tasks[i]).Outcome).Values[0]);
        }

        Assert.All(inputs, input => Assert.Equal(1, input.Disposals));
        Assert.True(runner.Stop(TimeSpan.FromSeconds(60)));
    }

    [Fact]
    public async Task A_failure_of_the_whole_batch_reaches_every_row_and_the_stream_lives_on()
    {
        var calls = 0;
        var model = new StubModel(rows => ++calls == 1
            ? throw new DependencyException(Dependency.Device, "gone")
            : [.. rows.Select(_ => new EmbeddingOutcome([1f]))]);
        using var batcher = new DynamicBatcher(new BatchingOptions { MaxBatch = 2, MaxWaitMs = 1 }, TimeProvider.System);
        using var runner = Runner(batcher, new Device("cpu", 1, 2, [model]));
        var first = batcher.SubmitAsync(new StubInput(), model, new RowTerms(BatchPriority.Interactive), CancellationToken.None);
        var second = batcher.SubmitAsync(new StubInput(), model, new RowTerms(BatchPriority.Interactive), CancellationToken.None);
        runner.Start();
        Assert.Equal(Dependency.Device, (await Assert.ThrowsAsync<DependencyException>(() => first)).Dependency);
        await Assert.ThrowsAsync<DependencyException>(() => second);
        var third = await batcher.SubmitAsync(new StubInput(), model, new RowTerms(BatchPriority.Interactive), CancellationToken.None);
        Assert.Equal(1, third.BatchSize);
    }

    private static DeviceRunner Runner(DynamicBatcher batcher, params Device[] devices) =>
        new(batcher, devices, new BatchingOptions(), TimeProvider.System, new WorkerMetrics(Metrics.NewCustomRegistry()));
}
