using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Microsoft.Extensions.Time.Testing;
using VlWorker.Batching;
using VlWorker.Inference;

namespace VlWorker.Worker.Tests.Batching;

/// <summary>Who gets which place in a batch: interactive rows, backfill that has aged, the jobs within backfill.</summary>
public sealed class LanesTests : IDisposable
{
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UnixEpoch.AddYears(60));
    private readonly StubModel _model = new();
    private readonly StubModel _other = new(alias: "other");
    private readonly BatchingOptions _options = new() { MaxWaitMs = 10, BackfillAgeMs = 1000 };
    private readonly DynamicBatcher _batcher;

    public LanesTests() => _batcher = new DynamicBatcher(_options, _time);

    public void Dispose() => _batcher.Dispose();

    [Fact]
    public async Task Jobs_take_turns_and_rows_without_a_job_are_one_of_them()
    {
        Backfill("a", 6);
        Backfill("b", 3);
        Backfill(null, 1);
        var stream = Device(4);

        Assert.Equal(["a0", "b0", "-0", "a1"], await TakeAsync(stream));
        Assert.Equal(["b1", "a2", "b2", "a3"], await TakeAsync(stream));
        _time.Advance(TimeSpan.FromMilliseconds(11));
        Assert.Equal(["a4", "a5"], await TakeAsync(stream));
    }

    [Fact]
    public async Task A_small_job_that_comes_late_does_not_wait_for_a_large_one()
    {
        Backfill("large", 100);
        var stream = Device(4);
        await TakeAsync(stream);
        Backfill("small", 2);

        Assert.Equal(["large4", "small0", "large5", "small1"], await TakeAsync(stream));
    }

    [Fact]
    public async Task A_row_that_leaves_by_itself_costs_its_job_no_turn()
    {
        using var cancellation = new CancellationTokenSource();
        var left = SubmitAsync("a0", new RowTerms(BatchPriority.Backfill, null, "a"), _model, cancellation.Token);
        _ = SubmitAsync("a1", new RowTerms(BatchPriority.Backfill, null, "a"), _model);
        Backfill("b", 4);
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => left);

        Assert.Equal(["a1", "b0", "b1", "b2"], await TakeAsync(Device(4)));
    }

    [Fact]
    public async Task A_prepared_backfill_row_is_displaced_until_its_batch_starts()
    {
        Backfill("a", 4);
        Interactive("now");
        var stream = Device(4);

        Assert.Equal(["now", "a0", "a1", "a2"], await TakeAsync(stream));
        Interactive("again");
        _time.Advance(TimeSpan.FromMilliseconds(11));
        Assert.Equal(["again", "a3"], await TakeAsync(stream));
    }

    [Theory]
    [InlineData(4)]
    [InlineData(1)]
    public async Task Aged_backfill_gets_every_fourth_place_and_no_more(int maxBatch)
    {
        Backfill("a", 40);
        _time.Advance(TimeSpan.FromMilliseconds(1001));
        for (var i = 0; i < 9; i++)
            Interactive($"now{i}");
        var stream = Device(maxBatch);
        var taken = new List<string>();
        while (taken.Count < 12)
            taken.AddRange(await TakeAsync(stream));

        Assert.Equal(["now0", "now1", "now2", "a0", "now3", "now4", "now5", "a1", "now6", "now7", "now8", "a2"], taken);
    }

    [Fact]
    public async Task Aged_backfill_of_another_model_gets_every_fourth_batch_and_no_more()
    {
        for (var i = 0; i < 8; i++)
            _ = SubmitAsync($"other{i}", new RowTerms(BatchPriority.Backfill, null, "a"), _other);
        _time.Advance(TimeSpan.FromMilliseconds(1001));
        for (var i = 0; i < 20; i++)
            Interactive($"now{i}");
        var stream = Device(4);
        var models = new List<string>();
        for (var i = 0; i < 7; i++)
            models.Add((await TakeAsync(stream))[0][..3]);

        Assert.Equal(["now", "now", "now", "oth", "now", "now", "oth"], models);
    }

    /// <summary>Whatever comes and goes: each row is taken once, a job's rows in their order, and no job gets two rows more than one that has rows left.</summary>
    [Property(MaxTest = 100)]
    public Property Turns_are_fair() => Prop.ForAll(Cases().ToArbitrary(), plan =>
    {
        var bucket = new Bucket(_model.KeyOf(new StubInput()));
        var rows = plan.Jobs.Select((job, i) => new BatchRow(new StubInput($"{i}"), new RowTerms(BatchPriority.Backfill, null, $"job {job}"), i)).ToList();
        rows.ForEach(bucket.Add);
        var left = rows.Where((_, i) => i % plan.Leaves != 0).ToList();
        rows.Except(left).ToList().ForEach(row => Assert.True(bucket.Remove(row)));
        var taken = new List<BatchRow>();
        while (bucket.Count > 0)
        {
            taken.AddRange(bucket.Take(new Share(0, plan.Batch), (_, all) => all, overdue: false));
            foreach (var waiting in bucket.Rows.Select(row => row.Job).Distinct())
                Assert.All(taken.GroupBy(row => row.Job), job => Assert.True(job.Count() <= taken.Count(row => row.Job == waiting) + 1));
        }

        Assert.Equal(left.Count, taken.Distinct().Count());
        Assert.All(taken.GroupBy(row => row.Job), job => Assert.Equal(job.OrderBy(row => row.Submitted), job));
    });

    private static Gen<Plan> Cases() =>
        from jobs in Gen.Choose(0, 5).ListOf()
        from batch in Gen.Choose(1, 9)
        from leaves in Gen.Choose(2, 9)
        select new Plan([.. jobs], batch, leaves);

    private StreamSlot Device(int maxBatch)
    {
        var device = new DeviceLoad(new Device("cpu", 1, maxBatch, [_model, _other]), _options, _time);
        _batcher.Join(device);
        return device.Streams[0];
    }

    private async Task<List<string>> TakeAsync(StreamSlot stream) =>
        [.. (await _batcher.TakeAsync(stream).WaitAsync(TimeSpan.FromMinutes(1)))!.Rows.Select(row => ((StubInput)row.Input).Name)];

    private void Backfill(string? job, int rows)
    {
        for (var i = 0; i < rows; i++)
            _ = SubmitAsync($"{job ?? "-"}{i}", new RowTerms(BatchPriority.Backfill, null, job), _model);
    }

    private void Interactive(string name) => _ = SubmitAsync(name, new RowTerms(BatchPriority.Interactive), _model);

    private Task<BatchedOutcome> SubmitAsync(string name, RowTerms terms, StubModel model, CancellationToken cancellation = default) =>
        _batcher.SubmitAsync(new StubInput(name), model, terms, cancellation);

    private sealed record Plan(IReadOnlyList<int> Jobs, int Batch, int Leaves)
    {
        public override string ToString() => $"jobs {string.Join(' ', Jobs)}, batches of {Batch}, every {Leaves}th leaves";
    }
}
