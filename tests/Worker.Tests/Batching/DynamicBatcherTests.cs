using Microsoft.Extensions.Time.Testing;
using VlWorker.Batching;
using VlWorker.Contracts;
using VlWorker.Failures;
using VlWorker.Inference;

namespace VlWorker.Worker.Tests.Batching;

public sealed class DynamicBatcherTests : IDisposable
{
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UnixEpoch.AddYears(60));
    private readonly StubModel _model = new();
    private readonly StubModel _other = new(alias: "other");
    private readonly DynamicBatcher _batcher;
    private readonly StreamSlot _stream;

    public DynamicBatcherTests()
    {
        var options = new BatchingOptions { Window = WindowKind.Fixed, MaxWaitMs = 10, BackfillAgeMs = 1000 };
        _batcher = new DynamicBatcher(options, _time);
        var device = new DeviceLoad(new Device("cpu", 1, 4, [_model, _other]), options, _time);
        _batcher.Join(device);
        _stream = device.Streams[0];
    }

    public void Dispose() => _batcher.Dispose();

    [Fact]
    public async Task A_full_bucket_leaves_at_once()
    {
        var rows = Submit(4);
        var batch = await Take();
        Assert.Equal(4, batch.Rows.Count);
        Assert.Equal(0, _batcher.Waiting);
        Assert.All(rows, row => Assert.False(row.Task.IsCompleted));
    }

    [Fact]
    public async Task A_partial_bucket_leaves_when_its_oldest_row_has_waited_long_enough()
    {
        var take = _batcher.TakeAsync(_stream);
        Submit(1);
        _time.Advance(TimeSpan.FromMilliseconds(6));
        Submit(1);
        _time.Advance(TimeSpan.FromMilliseconds(3));
        Assert.False(take.IsCompleted);
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(2, (await take)!.Rows.Count);
    }

    [Fact]
    public async Task Rows_that_waited_for_a_device_leave_without_a_further_wait()
    {
        Submit(3);
        _time.Advance(TimeSpan.FromMilliseconds(11));
        Assert.Equal(3, (await Take()).Rows.Count);
    }

    [Fact]
    public async Task A_batch_never_exceeds_its_bound_and_the_rest_stays()
    {
        Submit(6);
        Assert.Equal(4, (await Take()).Rows.Count);
        Assert.Equal(2, _batcher.Waiting);
    }

    [Fact]
    public async Task Interactive_rows_go_first_and_backfill_fills_the_rest()
    {
        var backfill = Submit(4, BatchPriority.Backfill);
        var interactive = Submit(3);
        var batch = await Take();
        Assert.Equal([.. interactive.Select(r => r.Input), backfill[0].Input], batch.Rows.Select(r => (StubInput)r.Input));
    }

    [Fact]
    public async Task Backfill_that_has_aged_is_not_starved_by_newer_interactive_rows()
    {
        var old = Submit(1, BatchPriority.Backfill)[0];
        _time.Advance(TimeSpan.FromMilliseconds(1001));
        Submit(6);
        Assert.Contains((await Take()).Rows, row => ReferenceEquals(row.Input, old.Input));
    }

    [Fact]
    public async Task A_cancelled_row_leaves_before_a_batch_forms_and_its_input_is_disposed_once()
    {
        using var cancellation = new CancellationTokenSource();
        var kept = Submit(1)[0];
        var input = new StubInput();
        var left = _batcher.SubmitAsync(input, _model, new RowTerms(BatchPriority.Interactive), cancellation.Token);
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => left);
        _time.Advance(TimeSpan.FromMilliseconds(11));
        Assert.Same(kept.Input, Assert.Single((await Take()).Rows).Input);
        Assert.Equal(1, input.Disposals);
    }

    [Fact]
    public async Task A_row_whose_deadline_passes_while_it_waits_is_rejected_as_expired()
    {
        var input = new StubInput();
        var row = _batcher.SubmitAsync(input, _model, new RowTerms(BatchPriority.Interactive, _time.GetUtcNow().AddMilliseconds(50)), CancellationToken.None);
        _time.Advance(TimeSpan.FromMilliseconds(60));
        var take = _batcher.TakeAsync(_stream);
        Assert.Equal(RejectionReason.Expired, (await Assert.ThrowsAsync<RejectedException>(() => row)).Reason);
        Assert.False(take.IsCompleted);
        Assert.Equal(1, input.Disposals);
    }

    [Fact]
    public async Task A_row_whose_deadline_is_near_does_not_wait_for_company()
    {
        var take = _batcher.TakeAsync(_stream);
        _ = _batcher.SubmitAsync(new StubInput(), _model, new RowTerms(BatchPriority.Interactive, _time.GetUtcNow().AddMilliseconds(15)), CancellationToken.None);
        Assert.Single((await take)!.Rows);
    }

    [Fact]
    public async Task Buckets_do_not_mix()
    {
        Submit(2);
        _ = _batcher.SubmitAsync(new StubInput(), _other, new RowTerms(BatchPriority.Interactive), CancellationToken.None);
        _time.Advance(TimeSpan.FromMilliseconds(11));
        var first = await Take();
        var second = await Take();
        Assert.Equal((2, 1), (first.Rows.Count, second.Rows.Count));
        Assert.NotEqual(first.Key, second.Key);
    }

    [Fact]
    public async Task Completion_serves_what_waits_then_ends_the_devices_and_refuses_new_rows()
    {
        Submit(2);
        _batcher.Complete();
        Assert.Equal(2, (await Take()).Rows.Count);
        Assert.Null(await _batcher.TakeAsync(_stream));
        var input = new StubInput();
        await Assert.ThrowsAsync<DependencyException>(
            () => _batcher.SubmitAsync(input, _model, new RowTerms(BatchPriority.Interactive), CancellationToken.None));
        Assert.Equal(1, input.Disposals);
    }

    private async Task<Batch> Take() => (await _batcher.TakeAsync(_stream).WaitAsync(TimeSpan.FromMinutes(1)))!;

    private List<(StubInput Input, Task<BatchedOutcome> Task)> Submit(int count, BatchPriority priority = BatchPriority.Interactive) =>
        [.. Enumerable.Range(0, count).Select(_ => new StubInput()).Select(input =>
            (input, _batcher.SubmitAsync(input, _model, new RowTerms(priority), CancellationToken.None)))];
}
