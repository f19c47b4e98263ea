using VlWorker.Batching;

namespace VlWorker.Worker.Tests.Batching;

/// <summary>How far backfill fills batches that somebody waits for, and what that costs and saves.</summary>
public sealed class BatchFillTests
{
    private static readonly BatchCost Cost = new(0.020, 0.001);

    /// <summary>20 + 1 ms a row: a full batch takes 84 ms, and what a batch of one row loses is within a twentieth only after four of those.</summary>
    [Theory]
    [InlineData(0, 0, 64)]
    [InlineData(0, 10, 64)]
    [InlineData(1, 0, 64)]
    [InlineData(1, 3, 64)]
    [InlineData(1, 10, 1)]
    [InlineData(60, 10, 60)]
    public void Backfill_leaves_a_batch_to_those_who_wait_for_it_as_long_as_that_costs_little(int interactive, int before, int expected)
    {
        var fill = new BatchFill();
        for (var i = 0; i < before; i++)
            fill.Rows(Cost, 0, 64, 64);

        Assert.Equal(expected, fill.Rows(Cost, interactive, 64, 64));
    }

    /// <summary>However many come: all that was lost is what more batches cost than the same rows in full ones.</summary>
    [Fact]
    public void Small_batches_cost_a_twentieth_of_the_time_at_most()
    {
        var (fill, rows, ran) = (new BatchFill(), 0, 0d);
        for (var i = 0; i < 1000; i++)
        {
            var batch = fill.Rows(Cost, 1, 64, 64);
            (rows, ran) = (rows + batch, ran + Cost.Seconds(batch));
        }

        Assert.InRange(Cost.Seconds(64) / 64 * rows / ran, 0.949, 0.96);
    }

    [Theory]
    [InlineData(10, 15, 2, 16, 10, 60)]
    [InlineData(3, 12, 8, 16, 50, 20)]
    [InlineData(20, 1, 1, 16, 10, 60)]
    [InlineData(10, 0.16, 2, 128, 100, 5)]
    public void Interactive_rows_wait_for_the_batch_in_flight_and_little_more_and_throughput_stays(
        double batch, double row, int streams, int maxBatch, double perSecond, double seconds)
    {
        var device = new SimulatedDevice(batch, row, streams, maxBatch, 0.1);
        using var idle = Run(device, perSecond, seconds, backfill: false);
        using var alone = Run(device, 0, seconds, backfill: true);
        using var both = Run(device, perSecond, seconds, backfill: true);

        var bound = (2 * Percentile95(idle)) + device.Milliseconds(maxBatch);
        Assert.True(Percentile95(both) <= bound, $"{Percentile95(both)} of {bound} ms");
        Assert.True(both.Done.Count >= 0.95 * alone.Done.Count, $"{both.Done.Count} of {alone.Done.Count}");
    }

    private static double Percentile95(DeviceSimulation simulation)
    {
        var sorted = simulation.LatenciesOf(BatchPriority.Interactive).Order().ToList();
        return sorted[(int)(0.95 * (sorted.Count - 1))];
    }

    private static DeviceSimulation Run(SimulatedDevice device, double perSecond, double seconds, bool backfill)
    {
        // More than it can do: the oldest row's age says nothing here.
        var simulation = new DeviceSimulation([device], new BatchingOptions { BackfillAgeMs = 3_600_000 });
        if (backfill)
            simulation.Arrive(0, (int)(1.5 * seconds * 1000 * device.Streams * device.MaxBatch / device.Milliseconds(device.MaxBatch)), BatchPriority.Backfill);
        var random = new Random(1);
        for (var at = 0d; perSecond > 0 && (at -= 1000 / perSecond * Math.Log(1 - random.NextDouble())) < seconds * 1000;)
            simulation.Arrive(at, 1);
        simulation.Run(seconds * 1000);
        return simulation;
    }
}
