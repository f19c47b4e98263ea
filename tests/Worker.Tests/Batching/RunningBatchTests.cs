using Prometheus;
using VlWorker.Batching;
using VlWorker.Failures;
using VlWorker.Inference;
using VlWorker.Journal;
using VlWorker.Telemetry;
using VlWorker.Worker.Tests.Journal;

namespace VlWorker.Worker.Tests.Batching;

/// <summary>What becomes of rows that join a batch, whatever becomes of it.</summary>
public sealed class RunningBatchTests : IDisposable
{
    private readonly WorkerMetrics _metrics = new(Metrics.NewCustomRegistry());
    private readonly TestJournals _journals = new();
    private readonly CrashJournal _journal;
    private readonly Queue<BatchRow> _waiting = new();
    private readonly List<int> _asked = [];

    public RunningBatchTests() => _journal = _journals.Start();

    public void Dispose() => _journals.Dispose();

    [Fact]
    public async Task Rows_that_join_are_settled_counted_and_no_measure_of_how_long_batches_take()
    {
        var (first, second, third) = (Row(1), Row(2), Row(3));
        _waiting.Enqueue(second);
        _waiting.Enqueue(third);
        var load = Run(8, [first], (rows, more) =>
        {
            var joined = more!.Take(100);
            Assert.Equal([second.Input, third.Input], joined);
            joined[1].OnOutcome!(Outcome(3));
            Assert.True(third.Completion.IsCompleted);
            Assert.False(first.Completion.IsCompleted || second.Completion.IsCompleted);
            return [Outcome(1), Outcome(2), Outcome(30)];
        });

        Assert.Equal([7], _asked);
        var outcomes = await Task.WhenAll(first.Completion, second.Completion, third.Completion);
        Assert.Equal([1f, 2f, 3f], outcomes.Select(Value));
        Assert.Equal([1, 3, 3], outcomes.Select(static outcome => outcome.BatchSize));
        Assert.All((BatchRow[])[first, second, third], static row => Assert.Equal(1, ((StubInput)row.Input).Disposals));
        Assert.Equal(0, load.Batches(new BatchKey("stub", InputKind.Text, 1, 0)));
        using var text = new MemoryStream();
        await _metrics.Registry.CollectAndExportAsTextAsync(text);
        var page = System.Text.Encoding.UTF8.GetString(text.ToArray());
        Assert.Contains("vlworker_batch_joined_rows_total{model=\"stub\",device=\"cuda:0\"} 2", page, StringComparison.Ordinal);
    }

    [Fact]
    public void What_has_ended_is_given_back_when_others_join_and_makes_room_for_them()
    {
        BatchRow[] first = [Row(1), Row(2)];
        for (var i = 3; i < 9; i++)
            _waiting.Enqueue(Row(i));
        Run(2, first, (rows, more) =>
        {
            Assert.Empty(more!.Take(5));
            rows[0].OnOutcome!(Outcome(1));
            Assert.Equal(0, ((StubInput)rows[0]).Disposals);
            Assert.Single(more.Take(5));
            Assert.Equal((1, 0), (((StubInput)rows[0]).Disposals, ((StubInput)rows[1]).Disposals));
            Assert.Equal((0, 1), (first[0].Input.Mark!.Begun, first[1].Input.Mark!.Begun));
            Assert.Empty(more.Take(5));
            return [Outcome(1), Outcome(2), Outcome(3)];
        });
        Assert.Equal([1], _asked);
    }

    [Fact]
    public void A_batch_ends_however_many_wait()
    {
        var joined = 0;
        Run(2, [Row(0)], (rows, more) =>
        {
            var last = rows[0];
            for (_waiting.Enqueue(Row(1)); more!.Take(1) is [var next]; _waiting.Enqueue(Row(1)), joined++)
            {
                last.OnOutcome!(Outcome(0));
                last = next;
            }

            return [.. Enumerable.Repeat(Outcome(0), 1 + joined)];
        });
        Assert.Equal(63, joined);
    }

    [Fact]
    public void Who_joins_is_in_the_journal_while_native_code_has_it()
    {
        var joins = Row(2);
        _waiting.Enqueue(joins);
        Run(8, [Row(1)], (_, more) =>
        {
            Assert.Equal(0, joins.Input.Mark!.Begun);
            more!.Take(1);
            Assert.Equal(1, joins.Input.Mark!.Begun);
            return [Outcome(1), Outcome(2)];
        });
        Assert.Equal(0, joins.Input.Mark!.Begun);
    }

    [Fact]
    public async Task What_joined_a_batch_that_does_not_fit_runs_again_with_those_that_are_open_and_nobody_joins_those()
    {
        BatchRow[] first = [.. Enumerable.Range(0, 4).Select(Row)];
        BatchRow[] joins = [.. Enumerable.Range(4, 3).Select(Row)];
        var ran = new List<int>();
        var load = Run(8, first, (rows, more) =>
        {
            ran.Add(rows.Count);
            if (ran.Count > 1)
            {
                Assert.Null(more);
                return rows.Count > 2 ? throw new OutOfDeviceMemoryException("no memory") : [.. rows.Select(static row => Outcome(Number(row)))];
            }

            rows[1].OnOutcome!(Outcome(1));
            rows[2].OnOutcome!(Outcome(2));
            joins.ToList().ForEach(_waiting.Enqueue);
            Assert.Equal(3, more!.Take(8).Count);
            joins[0].Input.OnOutcome!(Outcome(4));
            throw new OutOfDeviceMemoryException("no memory");
        });

        Assert.Equal([4, 4, 2, 2], ran);
        Assert.Equal(2, load.Limit(new BatchKey("stub", InputKind.Text, 1, 0)));
        BatchRow[] all = [.. first, .. joins];
        Assert.Equal([0f, 1, 2, 3, 4, 5, 6], (await Task.WhenAll(all.Select(static row => row.Completion))).Select(Value));
        Assert.All(all, static row => Assert.Equal((1, 0), (((StubInput)row.Input).Disposals, row.Input.Mark!.Begun)));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_failure_of_the_batch_or_of_the_device_is_that_of_all_who_joined_it(bool lost)
    {
        var (first, joins) = (Row(1), Row(2));
        _waiting.Enqueue(joins);
        void Go() => Run(8, [first], (_, more) =>
        {
            more!.Take(1);
            throw lost ? new DeviceLostException("CUDA failure 700") : new InvalidOperationException("broken");
        });
        if (lost)
            Assert.Throws<DeviceLostException>(Go);
        else
            Go();
        foreach (var row in (BatchRow[])[first, joins])
        {
            var error = await Assert.ThrowsAnyAsync<Exception>(() => row.Completion);
            Assert.Equal(lost ? typeof(DependencyException) : typeof(TransientException), error.GetType());
            Assert.Equal((1, 0), (((StubInput)row.Input).Disposals, row.Input.Mark!.Begun));
        }
    }

    [Fact]
    public void Nobody_joins_a_suspect()
    {
        var suspect = new BatchRow(
            new StubInput { Mark = new WorkMark(_journal, 1, "id", returns: true, solo: true) }, new RowTerms(BatchPriority.Interactive), 0);
        Run(8, [suspect], (rows, more) =>
        {
            Assert.Null(more);
            Assert.Null(rows[0].OnOutcome);
            return [Outcome(1)];
        });
    }

    private DeviceLoad Run(int limit, BatchRow[] rows, Func<IReadOnlyList<InferenceInput>, IRowSource?, IReadOnlyList<InferenceOutcome>> run)
    {
        var model = new StubModel { Joinable = run };
        var load = new DeviceLoad(new Device("cuda:0", 1, limit, [model]), new BatchingOptions(), TimeProvider.System);
        IReadOnlyList<BatchRow> Join(int most)
        {
            _asked.Add(most);
            return [.. Enumerable.Range(0, Math.Min(most, _waiting.Count)).Select(_ => _waiting.Dequeue())];
        }

        new BatchExecution(load, TimeProvider.System, _metrics, Join).Run(new Batch(model.KeyOf(rows[0].Input), rows, 0), CancellationToken.None);
        return load;
    }

    private BatchRow Row(int number) => new(
        new StubInput($"{number}") { Mark = new WorkMark(_journal, (UInt128)(100 + number), $"m{number}", returns: true) },
        new RowTerms(BatchPriority.Interactive), 0);

    private static int Number(InferenceInput input) => int.Parse(((StubInput)input).Name, System.Globalization.CultureInfo.InvariantCulture);

    private static InferenceOutcome Outcome(int value) => new EmbeddingOutcome([value]);

    private static float Value(BatchedOutcome outcome) => ((EmbeddingOutcome)outcome.Outcome).Values[0];
}
