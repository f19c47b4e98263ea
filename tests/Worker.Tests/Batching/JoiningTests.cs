using Microsoft.Extensions.Time.Testing;
using VlWorker.Batching;
using VlWorker.Contracts;
using VlWorker.Failures;
using VlWorker.Inference;
using VlWorker.Journal;
using VlWorker.Worker.Tests.Journal;

namespace VlWorker.Worker.Tests.Batching;

/// <summary>Which rows join a batch that runs: those that would be the next one.</summary>
public sealed class JoiningTests : IDisposable
{
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UnixEpoch.AddYears(60));
    private readonly StubModel _model = new();
    private readonly StubModel _other = new(alias: "other");
    private readonly BatchingOptions _options = new() { Window = WindowKind.Fixed, MaxWaitMs = 10, BackfillAgeMs = 1000 };
    private readonly DynamicBatcher _batcher;
    private readonly StreamSlot _stream;

    public JoiningTests()
    {
        _batcher = new DynamicBatcher(_options, _time);
        var device = new DeviceLoad(new Device("cuda:0", 1, 4, [_model, _other]), _options, _time);
        _batcher.Join(device);
        _stream = device.Streams[0];
    }

    public void Dispose() => _batcher.Dispose();

    [Fact]
    public async Task Rows_of_its_own_bucket_join_in_the_order_of_urgency()
    {
        await RunningAsync();
        Submit("a0", job: "a");
        Submit("a1", job: "a");
        Submit("b0", job: "b");
        Submit("now", BatchPriority.Interactive);

        Assert.Equal(["now", "a0", "b0"], More(3));
        Assert.Equal(["a1"], More(3));
        Assert.Empty(More(3));
    }

    [Fact]
    public async Task Nothing_joins_a_stream_that_runs_nothing_or_once_the_worker_stops()
    {
        Submit("early", BatchPriority.Interactive);
        Assert.Empty(More(4));
        await RunningAsync();
        Submit("late", BatchPriority.Interactive);
        _batcher.Complete();
        Assert.Empty(More(4));
        Assert.Equal(1, _batcher.Waiting);
    }

    [Fact]
    public async Task Who_waits_for_another_model_and_came_first_is_not_passed()
    {
        await RunningAsync();
        Submit("mine", BatchPriority.Interactive);
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Submit("theirs", BatchPriority.Interactive, model: _other);
        Assert.Equal(["mine"], More(4));
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Submit("later", BatchPriority.Interactive);
        Assert.Empty(More(4));
        // What another device alone can run keeps nobody waiting here.
        Submit("backfill", model: new StubModel(alias: "elsewhere"));
        _time.Advance(TimeSpan.FromMilliseconds(10));
        Assert.Equal(["theirs"], await TakeAsync());
    }

    [Fact]
    public async Task Interactive_rows_of_another_model_keep_backfill_from_joining()
    {
        await RunningAsync();
        Submit("mine");
        Submit("theirs", BatchPriority.Interactive, model: _other);
        Assert.Empty(More(4));
    }

    [Fact]
    public async Task Backfill_of_another_model_that_has_aged_ends_a_batch_that_interactive_rows_go_on_joining()
    {
        Submit("theirs", model: _other);
        await RunningAsync();
        _time.Advance(TimeSpan.FromMilliseconds(1001));
        var joined = 0;
        for (var i = 0; i < 9; i++)
        {
            Submit($"now{i}", BatchPriority.Interactive);
            joined += More(4).Count;
        }

        // Of four batches, as it were, one is theirs.
        Assert.Equal(2, joined);
    }

    [Fact]
    public async Task Backfill_that_has_aged_gets_every_fourth_place_of_those_that_join()
    {
        await RunningAsync();
        Submit("old");
        _time.Advance(TimeSpan.FromMilliseconds(1001));
        for (var i = 0; i < 6; i++)
            Submit($"now{i}", BatchPriority.Interactive);
        Assert.Contains("old", More(4));
    }

    [Fact]
    public async Task A_row_whose_deadline_has_passed_is_rejected_and_does_not_join()
    {
        await RunningAsync();
        var row = _batcher.SubmitAsync(
            new StubInput(), _model, new RowTerms(BatchPriority.Interactive, _time.GetUtcNow().AddMilliseconds(50)), CancellationToken.None);
        _time.Advance(TimeSpan.FromMilliseconds(60));
        Assert.Empty(More(4));
        Assert.Equal(RejectionReason.Expired, (await Assert.ThrowsAsync<RejectedException>(() => row)).Reason);
    }

    [Fact]
    public async Task A_suspect_never_joins()
    {
        using var journals = new TestJournals();
        await RunningAsync();
        Submit("now", BatchPriority.Interactive);
        var suspect = new StubInput { Mark = new WorkMark(journals.Start(), 1, "id", returns: true, solo: true) };
        _ = _batcher.SubmitAsync(suspect, _model, new RowTerms(BatchPriority.Interactive), CancellationToken.None);
        Assert.Empty(More(4));
    }

    private async Task RunningAsync()
    {
        Submit("first", BatchPriority.Interactive);
        _time.Advance(TimeSpan.FromMilliseconds(11));
        Assert.Contains("first", await TakeAsync());
    }

    private async Task<List<string>> TakeAsync() => Names((await _batcher.TakeAsync(_stream).WaitAsync(TimeSpan.FromMinutes(1)))!.Rows);

    private List<string> More(int most) => Names(_batcher.TakeMore(_stream, most));

    private static List<string> Names(IReadOnlyList<BatchRow> rows) => [.. rows.Select(static row => ((StubInput)row.Input).Name)];

    private void Submit(string name, BatchPriority priority = BatchPriority.Backfill, string? job = null, StubModel? model = null) =>
        _ = _batcher.SubmitAsync(new StubInput(name), model ?? _model, new RowTerms(priority, null, job), CancellationToken.None);
}
