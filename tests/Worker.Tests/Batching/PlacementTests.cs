using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using VlWorker.Batching;

namespace VlWorker.Worker.Tests.Batching;

public sealed class PlacementTests
{
    /// <summary>Until the batcher asks again, rounded up, in milliseconds.</summary>
    private const double Resolution = 12;

    private static readonly BatchingOptions Options = new() { Window = WindowKind.Fixed, MaxWaitMs = 5, BackfillAgeMs = 1_000_000 };
    private static readonly SimulatedDevice Gpu = new(10, 0.16, 2, 256);
    private static readonly SimulatedDevice Cpu = new(2, 60, 2, 16);

    [Fact]
    public void A_slow_device_helps_with_a_backlog_and_no_row_is_late_for_it()
    {
        using var alone = Run([Gpu], simulation => simulation.Arrive(0, 20_000));
        using var pair = Run([Gpu, Cpu], simulation => simulation.Arrive(0, 20_000));

        Assert.True(pair.Now < alone.Now, $"{pair.Now} ms together, {alone.Now} ms alone");
        Assert.InRange(pair.RanOn.Values.Count(device => device == 1), 10, 200);
        AssertNoneLater(pair, alone);
    }

    [Fact]
    public void A_slow_device_gets_nothing_that_the_fast_one_does_sooner()
    {
        using var simulation = Run([Gpu, Cpu], simulation =>
        {
            for (var i = 0; i < 200; i++)
                simulation.Arrive(i * 15, 1);
        });

        Assert.All(simulation.RanOn.Values, device => Assert.Equal(0, device));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Two_equal_devices_share_the_work(bool warm)
    {
        using var alone = Run([Gpu], simulation => simulation.Arrive(0, 20_000), warm);
        using var pair = Run([Gpu, Gpu], simulation => simulation.Arrive(0, 20_000), warm);

        Assert.InRange(alone.Now / pair.Now, 1.9, 2.05);
    }

    [Fact]
    public void A_device_of_unknown_speed_shows_it_by_two_rows_and_then_gets_what_it_deserves()
    {
        using var simulation = Run([Cpu, Gpu], warm: false, plan: simulation => simulation.Arrive(0, 20_000));

        Assert.InRange(simulation.RanOn.Values.Count(device => device == 0), 1, 400);
        using var unknown = Run([Gpu, Cpu], warm: false, plan: simulation =>
        {
            for (var i = 0; i < 100; i++)
                simulation.Arrive(i * 100, 1);
        });
        Assert.Equal(2, unknown.RanOn.Values.Count(device => device == 1));
    }

    [Fact]
    public void Urgent_rows_stay_with_the_fast_device()
    {
        using var simulation = Run([Gpu, Cpu with { PerRow = 200 }], simulation =>
        {
            simulation.Arrive(0, 10_000, BatchPriority.Backfill);
            for (var i = 0; i < 20; i++)
                simulation.Arrive(50 + (i * 50), 1);
        });

        var urgent = simulation.Submitted.Skip(10_000).ToList();
        Assert.Contains(1, simulation.RanOn.Values);
        Assert.All(urgent, row => Assert.Equal(0, simulation.RanOn[row]));
    }

    [Fact]
    public void What_waits_for_a_device_that_hangs_goes_to_the_other()
    {
        using var simulation = new DeviceSimulation([Gpu with { Streams = 1 }, Cpu], Options) { Hanging = 0 };
        simulation.Arrive(0, 1);
        simulation.Arrive(100, 20);

        simulation.Run(60_000);

        Assert.Equal(20, simulation.Done.Count);
        Assert.All(simulation.RanOn.Values, device => Assert.Equal(1, device));
    }

    /// <summary>
    /// Whatever the speeds, sizes and arrivals: every row is done, once, and together is not slower than the fast device alone. The bound is one of its
    /// batches: which rows share one depends on what the other has taken, and a last batch may be fuller than it would have been.
    /// </summary>
    [Property(MaxTest = 60)]
    public Property Together_is_never_slower_than_the_fast_device_alone() => Prop.ForAll(Cases().ToArbitrary(), load =>
    {
        using var alone = Run([load.Fast], simulation => Arrive(simulation, load));
        using var pair = Run([load.Fast, load.Slow], simulation => Arrive(simulation, load));

        Assert.Equal(pair.Submitted.Count, pair.Done.Count);
        var batch = load.Fast.Milliseconds(Math.Min(load.Fast.MaxBatch, load.Rows * load.Waves));
        Assert.True(pair.Now <= alone.Now + batch + Resolution, $"{pair.Now} ms together, {alone.Now} ms alone: {load}");
    });

    private static void Arrive(DeviceSimulation simulation, Load load)
    {
        for (var i = 0; i < load.Waves; i++)
            simulation.Arrive(i * load.Between, load.Rows);
    }

    private static Gen<Load> Cases() =>
        from waves in Gen.Choose(1, 5)
        from rows in Gen.Choose(1, 400)
        from between in Gen.Choose(0, 300)
        from setup in Gen.Choose(1, 30)
        from row in Gen.Choose(1, 50)
        from factor in Gen.Choose(2, 100)
        from streams in Gen.Choose(1, 3)
        from most in Gen.Elements(1, 7, 32, 256)
        from slowStreams in Gen.Choose(1, 3)
        from slowMost in Gen.Elements(1, 4, 16)
        select new Load(
            waves,
            rows,
            between,
            new SimulatedDevice(setup, row / 20d, streams, most),
            new SimulatedDevice(setup * factor, row * factor / 20d, slowStreams, slowMost));

    private static DeviceSimulation Run(IReadOnlyList<SimulatedDevice> devices, Action<DeviceSimulation> plan, bool warm = true)
    {
        var simulation = new DeviceSimulation(devices, Options, warm);
        plan(simulation);
        simulation.Run();
        return simulation;
    }

    /// <summary>Rows that were submitted first are done first, on any device, and none later than by the fast device alone but for one batch's time.</summary>
    private static void AssertNoneLater(DeviceSimulation pair, DeviceSimulation alone)
    {
        var slack = Gpu.Milliseconds(Gpu.MaxBatch) + Resolution;
        Assert.All(pair.Submitted.Zip(alone.Submitted), rows => Assert.InRange(pair.Done[rows.First], 0, alone.Done[rows.Second] + slack));
    }

    private sealed record Load(int Waves, int Rows, int Between, SimulatedDevice Fast, SimulatedDevice Slow);
}
