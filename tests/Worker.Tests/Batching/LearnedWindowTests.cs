using Microsoft.Extensions.Time.Testing;
using VlWorker.Batching;
using VlWorker.Inference;

namespace VlWorker.Worker.Tests.Batching;

/// <summary>How long the batcher holds a batch back by what it has learned, with a device of 20 ms a batch and 1 ms a row.</summary>
public sealed class LearnedWindowTests : IDisposable
{
    private static readonly TimeSpan Between = TimeSpan.FromMilliseconds(1.4);

    private readonly FakeTimeProvider _time = new(DateTimeOffset.UnixEpoch.AddYears(60));
    private readonly StubModel _model = new();
    private readonly BatchingOptions _options = new() { MaxWaitMs = 50 };
    private readonly DynamicBatcher _batcher;

    public LearnedWindowTests() => _batcher = new DynamicBatcher(_options, _time);

    public void Dispose() => _batcher.Dispose();

    [Fact]
    public async Task As_long_as_a_batch_s_cost_is_not_known_it_does_not_wait()
    {
        var stream = Device(warm: false);
        await BurstsAsync(stream, 10);

        Assert.Single(await StartAsync(stream));
    }

    [Fact]
    public async Task As_long_as_arrivals_are_not_known_a_batch_does_not_wait() => Assert.Single(await StartAsync(Device()));

    [Fact]
    public async Task Within_a_burst_a_batch_is_held_and_behind_it_it_is_not()
    {
        var stream = Device();
        await BurstsAsync(stream, 10);

        var take = _batcher.TakeAsync(stream);
        for (var i = 0; i < 4; i++)
        {
            Interactive();
            Assert.False(take.IsCompleted);
            _time.Advance(Between);
        }

        // The fifth does not come: bursts are of four.
        _time.Advance(TimeSpan.FromMilliseconds(2));
        Assert.Equal(4, (await take)!.Rows.Count);
    }

    [Fact]
    public async Task Rows_that_come_far_apart_do_not_wait()
    {
        var stream = Device();
        for (var i = 0; i < 30; i++)
        {
            Assert.Single(await StartAsync(stream));
            _time.Advance(TimeSpan.FromMilliseconds(100));
        }
    }

    [Fact]
    public async Task The_setting_bounds_what_was_learned()
    {
        using var batcher = new DynamicBatcher(_options with { MaxWaitMs = 0 }, _time);
        var stream = Device(batcher: batcher);
        for (var i = 0; i < 40; i++)
        {
            _ = batcher.SubmitAsync(new StubInput(), _model, new RowTerms(BatchPriority.Interactive), CancellationToken.None);
            Assert.Single((await batcher.TakeAsync(stream))!.Rows);
            _time.Advance(TimeSpan.FromMilliseconds(i % 4 == 3 ? 100 : 1));
        }
    }

    [Fact]
    public async Task A_deadline_that_is_near_closes_a_batch_that_would_wait()
    {
        var stream = Device();
        await BurstsAsync(stream, 10);
        var take = _batcher.TakeAsync(stream);

        _ = _batcher.SubmitAsync(
            new StubInput(), _model, new RowTerms(BatchPriority.Interactive, _time.GetUtcNow().AddMilliseconds(90)), CancellationToken.None);

        Assert.Single((await take)!.Rows);
    }

    [Fact]
    public async Task Backfill_is_company_enough_and_waits_for_its_own()
    {
        var stream = Device();
        await BurstsAsync(stream, 10);
        var take = _batcher.TakeAsync(stream);
        _ = _batcher.SubmitAsync(new StubInput(), _model, new RowTerms(BatchPriority.Backfill), CancellationToken.None);
        _time.Advance(TimeSpan.FromMilliseconds(49));
        Assert.False(take.IsCompleted);

        Interactive();

        Assert.Equal(2, (await take)!.Rows.Count);
    }

    /// <summary>Two streams: the second does not start right behind the first, with nothing to do, but between its start and its end.</summary>
    [Fact]
    public void Starts_of_several_streams_spread_by_themselves()
    {
        var device = new SimulatedDevice(20, 0.1, 2, 64);
        using var learned = Run(device, new BatchingOptions { MaxWaitMs = 50 });
        using var atOnce = Run(device, new BatchingOptions { Window = WindowKind.Fixed, MaxWaitMs = 0 });

        Assert.True(learned.Latencies.Average() < 0.9 * atOnce.Latencies.Average(), $"{learned.Latencies.Average()}, {atOnce.Latencies.Average()} ms");
    }

    private static DeviceSimulation Run(SimulatedDevice device, BatchingOptions options)
    {
        var simulation = new DeviceSimulation([device], options);
        for (var i = 0; i < 2000; i++)
            simulation.Arrive(i * 1.5, 1);
        simulation.Run();
        return simulation;
    }

    /// <summary>Bursts of four rows; between them 100 ms.</summary>
    private async Task BurstsAsync(StreamSlot stream, int count)
    {
        for (var i = 0; i < count; i++)
        {
            for (var row = 0; row < 4; row++)
            {
                Interactive();
                _time.Advance(Between);
            }

            _time.Advance(TimeSpan.FromMilliseconds(96));
            Assert.Equal(4, (await _batcher.TakeAsync(stream))!.Rows.Count);
        }
    }

    private async Task<IReadOnlyList<BatchRow>> StartAsync(StreamSlot stream)
    {
        Interactive();
        return (await _batcher.TakeAsync(stream).WaitAsync(TimeSpan.FromMinutes(1)))!.Rows;
    }

    private void Interactive() =>
        _ = _batcher.SubmitAsync(new StubInput(), _model, new RowTerms(BatchPriority.Interactive), CancellationToken.None);

    private StreamSlot Device(int maxBatch = 16, bool warm = true, DynamicBatcher? batcher = null)
    {
        var device = new DeviceLoad(new Device("cpu", 1, maxBatch, [_model]), _options, _time);
        foreach (var rows in warm ? (int[])[1, 1, 4, 16] : [])
            device.Ran(_model.KeyOf(new StubInput()), rows, TimeSpan.FromMilliseconds(20 + rows));
        (batcher ?? _batcher).Join(device);
        return device.Streams[0];
    }
}
