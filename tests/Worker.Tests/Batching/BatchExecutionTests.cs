using Microsoft.Extensions.Logging.Abstractions;
using Prometheus;
using VlWorker.Batching;
using VlWorker.Failures;
using VlWorker.Inference;
using VlWorker.Journal;
using VlWorker.Telemetry;

namespace VlWorker.Worker.Tests.Batching;

public sealed class BatchExecutionTests
{
    private readonly List<int> _sizes = [];
    private readonly WorkerMetrics _metrics = new(Metrics.NewCustomRegistry());

    [Fact]
    public async Task What_does_not_fit_runs_in_halves_and_the_limit_is_remembered()
    {
        var (load, batch) = Prepare(64, fits: 10);

        new BatchExecution(load, TimeProvider.System, _metrics).Run(batch, CancellationToken.None);

        Assert.Equal([64, 32, 16, 8, 8, 16, 8, 8, 32, 16, 8, 8, 16, 8, 8], _sizes);
        Assert.Equal(8, load.Limit(batch.Key));
        var outcomes = await Task.WhenAll(batch.Rows.Select(row => row.Completion));
        Assert.All(outcomes.Zip(batch.Rows), pair => Assert.Equal(((StubInput)pair.Second.Input).Name.Length, Value(pair.First)));
        Assert.All(outcomes, outcome => Assert.Equal(8, outcome.BatchSize));
        Assert.All(batch.Rows, row => Assert.Equal(1, ((StubInput)row.Input).Disposals));
        var text = await TextAsync();
        Assert.Contains("vlworker_out_of_memory_total{model=\"stub\",device=\"cuda:0\"} 7", text, StringComparison.Ordinal);
        Assert.Contains("vlworker_batch_limit_rows{model=\"stub\",device=\"cuda:0\"} 8", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_row_that_does_not_fit_alone_fails_for_now_and_its_mates_do_not()
    {
        var (load, batch) = Prepare(3, fits: 0);

        new BatchExecution(load, TimeProvider.System, _metrics).Run(batch, CancellationToken.None);

        foreach (var row in batch.Rows)
            Assert.Contains("does not fit", (await Assert.ThrowsAsync<TransientException>(() => row.Completion)).Message, StringComparison.Ordinal);
        Assert.Equal(1, load.Limit(batch.Key));
    }

    [Fact]
    public async Task A_lost_device_fails_the_rest_of_the_batch_and_tells_the_caller()
    {
        var (load, batch) = Prepare(8, fits: 4, lostAt: 3);

        Assert.Throws<DeviceLostException>(() => new BatchExecution(load, TimeProvider.System, _metrics).Run(batch, CancellationToken.None));

        await Task.WhenAll(batch.Rows.Take(4).Select(row => row.Completion));
        foreach (var row in batch.Rows.Skip(4))
        {
            var error = await Assert.ThrowsAsync<DependencyException>(() => row.Completion);
            Assert.Equal((Dependency.Device, true), (error.Dependency, error.Message.Contains("cuda:0 is lost", StringComparison.Ordinal)));
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_row_whose_outcome_is_known_does_not_wait_for_its_batch(bool batchFails)
    {
        BatchRow[] rows = [.. Enumerable.Range(0, 3).Select(_ => new BatchRow(new StubInput(), new RowTerms(BatchPriority.Interactive), 0))];
        var model = new StubModel(inputs =>
        {
            inputs[1].OnOutcome!(new EmbeddingOutcome([1]));
            inputs[2].OnOutcome!(new FailedOutcome(new TransientException("no number")));
            Assert.Equal((false, true, true), (rows[0].Completion.IsCompleted, rows[1].Completion.IsCompletedSuccessfully, rows[2].Completion.IsFaulted));
            // The batch may still read them.
            Assert.All(rows, row => Assert.Equal(0, ((StubInput)row.Input).Disposals));
            return batchFails ? throw new InvalidOperationException("broken") : [.. inputs.Select(_ => new EmbeddingOutcome([2]))];
        });
        var load = new DeviceLoad(new Device("cpu", 1, 64, [model]), new BatchingOptions(), TimeProvider.System);

        new BatchExecution(load, TimeProvider.System, _metrics).Run(new Batch(model.KeyOf(new StubInput()), [.. rows], 0), CancellationToken.None);

        Assert.Equal((1, 3), (Value(await rows[1].Completion), (await rows[1].Completion).BatchSize));
        Assert.Equal("no number", (await Assert.ThrowsAsync<TransientException>(() => rows[2].Completion)).Message);
        if (batchFails)
            Assert.Contains("broken", (await Assert.ThrowsAsync<TransientException>(() => rows[0].Completion)).Message, StringComparison.Ordinal);
        else
            Assert.Equal(2, Value(await rows[0].Completion));
        Assert.All(rows, row => Assert.Equal(1, ((StubInput)row.Input).Disposals));
    }

    [Fact]
    public async Task A_row_whose_outcome_is_known_does_not_run_again_when_its_batch_does_not_fit()
    {
        BatchRow[] rows = [.. Enumerable.Range(0, 8).Select(i => new BatchRow(new StubInput(new string('x', i)), new RowTerms(BatchPriority.Interactive), 0))];
        var model = new StubModel(inputs =>
        {
            _sizes.Add(inputs.Count);
            if (_sizes.Count == 1)
                inputs[3].OnOutcome!(new EmbeddingOutcome([30]));
            if (inputs.Count > 4)
                throw new OutOfDeviceMemoryException("no memory");
            return [.. inputs.Select(input => new EmbeddingOutcome([((StubInput)input).Name.Length]))];
        });
        var load = new DeviceLoad(new Device("cuda:0", 1, 64, [model]), new BatchingOptions(), TimeProvider.System);

        new BatchExecution(load, TimeProvider.System, _metrics).Run(new Batch(model.KeyOf(new StubInput()), rows, 0), CancellationToken.None);

        Assert.Equal([8, 7, 3, 4], _sizes);
        Assert.Equal([0, 1, 2, 30, 4, 5, 6, 7], (await Task.WhenAll(rows.Select(row => row.Completion))).Select(Value));
        Assert.All(rows, row => Assert.Equal(1, ((StubInput)row.Input).Disposals));
    }

    [Fact]
    public void A_suspect_ends_with_its_batch_even_where_it_has_two_tasks()
    {
        using var journal = new CrashJournal(new JournalOptions { Deaths = 0 }, TimeProvider.System, NullLogger<CrashJournal>.Instance);
        BatchRow[] rows = [.. Enumerable.Range(0, 2).Select(_ => new BatchRow(
            new StubInput { Mark = new WorkMark(journal, 1, "id", returns: true, solo: true) }, new RowTerms(BatchPriority.Interactive), 0))];
        var model = new StubModel(inputs =>
        {
            Assert.All(inputs, input => Assert.Null(input.OnOutcome));
            return [.. inputs.Select(_ => new EmbeddingOutcome([1]))];
        });
        var load = new DeviceLoad(new Device("cpu", 1, 64, [model]), new BatchingOptions(), TimeProvider.System);
        new BatchExecution(load, TimeProvider.System, _metrics).Run(new Batch(model.KeyOf(rows[0].Input), rows, 0), CancellationToken.None);
        Assert.All(rows, row => Assert.True(row.Completion.IsCompletedSuccessfully));
    }

    [Fact]
    public void A_row_alone_ends_with_its_batch()
    {
        var row = new BatchRow(new StubInput(), new RowTerms(BatchPriority.Interactive), 0);
        var model = new StubModel(inputs =>
        {
            Assert.Null(inputs[0].OnOutcome);
            return [new EmbeddingOutcome([1])];
        });
        var load = new DeviceLoad(new Device("cpu", 1, 64, [model]), new BatchingOptions(), TimeProvider.System);
        new BatchExecution(load, TimeProvider.System, _metrics).Run(new Batch(model.KeyOf(row.Input), [row], 0), CancellationToken.None);
        Assert.True(row.Completion.IsCompletedSuccessfully);
    }

    [Fact]
    public void Only_batches_that_ran_teach_how_long_they_take()
    {
        var (load, batch) = Prepare(4, fits: 2);

        new BatchExecution(load, TimeProvider.System, _metrics).Run(batch, CancellationToken.None);

        Assert.Equal(2, load.Batches(batch.Key));
    }

    private (DeviceLoad Load, Batch Batch) Prepare(int rows, int fits, int lostAt = int.MaxValue)
    {
        var model = new StubModel(inputs =>
        {
            _sizes.Add(inputs.Count);
            if (_sizes.Count >= lostAt)
                throw new DeviceLostException("CUDA failure 700");
            if (inputs.Count > fits)
                throw new OutOfDeviceMemoryException("no memory");
            return [.. inputs.Select(input => new EmbeddingOutcome([((StubInput)input).Name.Length]))];
        });
        var load = new DeviceLoad(new Device("cuda:0", 1, 64, [model]), new BatchingOptions(), TimeProvider.System);
        var inputs = Enumerable.Range(0, rows).Select(i => new BatchRow(new StubInput(new string('x', i)), new RowTerms(BatchPriority.Interactive), 0));
        return (load, new Batch(model.KeyOf(new StubInput()), [.. inputs], 0));
    }

    private static float Value(BatchedOutcome outcome) => ((EmbeddingOutcome)outcome.Outcome).Values[0];

    private async Task<string> TextAsync()
    {
        using var stream = new MemoryStream();
        await _metrics.Registry.CollectAndExportAsTextAsync(stream);
        return System.Text.Encoding.UTF8.GetString(stream.ToArray());
    }
}
