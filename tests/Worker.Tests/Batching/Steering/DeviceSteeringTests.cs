using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using VlWorker.Batching.Steering;

namespace VlWorker.Worker.Tests.Batching.Steering;

/// <summary>The controller settles on devices of any speed, keeps the objective, uses the device, and does not swing.</summary>
public sealed class DeviceSteeringTests
{
    private const double Objective = 100;
    private const double SettledBy = 60;

    /// <summary>The same devices at each run: a change that breaks one of them shows at once, and a device that was never tried does not stop another change.</summary>
    private const string Seed = "20261126,7919";

    /// <summary>Milliseconds that the largest batches may take: with what takes minutes, settling takes hours.</summary>
    private const double LongestBatch = 5_000;

    private static readonly SteeringOptions Options = new() { Enabled = true, BatchTimeMs = Objective };

    [Property(MaxTest = 60, Replay = Seed)]
    public Property It_settles_within_the_objective_on_any_device_that_can_keep_it() => Prop.ForAll(Devices(noise: 5), device =>
    {
        var simulation = Run(device, 180);
        var best = device.Gpu.Best(Objective, device.MaxBatch, device.Streams);
        var (percentile, rows, _) = simulation.Mean(SettledBy);

        return (simulation.Reversals(SettledBy) == 0 && simulation.Changes(SettledBy) <= 2).Label($"{simulation.Changes(SettledBy)} changes after a minute")
            .And((percentile <= Objective).Label($"95 % within {percentile:0.0} ms"))
            .And((rows >= 0.6 * best).Label($"{rows:0} rows/s of {best:0}"));
    });

    /// <summary>Two minutes, in which a refused size of rows is tried again twice: after 30 s, and after 60 s more. Each may fail; so may one of batches in flight.</summary>
    [Property(MaxTest = 60, Replay = Seed)]
    public Property It_does_not_swing_however_noisy_the_device_is() => Prop.ForAll(Devices(noise: 30), device =>
    {
        var simulation = Run(device, 180, Options with { RetryAfter = TimeSpan.FromSeconds(30) });

        return (simulation.Reversals(SettledBy) <= 6).Label($"{simulation.Reversals(SettledBy)} reversals");
    });

    [Property(MaxTest = 40, Replay = Seed)]
    public Property It_follows_a_load_that_rises_and_a_device_that_slows_down_and_recovers() => Prop.ForAll(Devices(noise: 5), device =>
    {
        var simulation = Run(device, 60);
        var before = simulation.Mean(30).RowsPerSecond;
        simulation.Gpu = device.Gpu with { Fixed = device.Gpu.Fixed * 2, PerRow = device.Gpu.PerRow * 2 };
        simulation.Run(90);
        var slow = simulation.Mean(120).Percentile95;
        simulation.Gpu = device.Gpu;
        simulation.Run(120);
        var after = simulation.Mean(240).RowsPerSecond;

        var possible = 2 * (device.Gpu.Fixed + device.Gpu.PerRow) <= 0.9 * Objective;

        return (slow <= Objective || !possible).Label($"slow device: 95 % within {slow:0.0} ms")
            .And((after >= 0.5 * before || (!device.Gpu.Watched && !possible)).Label($"{before:0} rows/s before, {after:0} after"))
            .And((simulation.Reversals(0) <= 10).Label($"{simulation.Reversals(0)} reversals"));
    });

    [Fact]
    public void Without_more_work_than_the_batches_hold_nothing_changes()
    {
        var simulation = new SteeringSimulation(Options, new SimulatedGpu(1, 0.1, 0.02), 256, 2, seed: 1) { Offered = 500 };

        simulation.Run(60);

        Assert.All(simulation.Moments, moment => Assert.Equal((256, 2), (moment.Rows, moment.InFlight)));
    }

    [Fact]
    public void A_device_that_waits_for_its_batches_gets_more_of_them_before_they_become_larger()
    {
        var steering = new DeviceSteering(Options, 64, 4, TimeProvider.System);
        Show(steering, 40, full: true, milliseconds: 400);
        Show(steering, 40, full: true, milliseconds: 400);
        var (rows, inFlight) = (steering.Rows("m"), steering.InFlight);
        Show(steering, 40, full: true, milliseconds: 20, utilization: 0.4);

        Assert.True(rows < 64 && inFlight == 4, $"{rows} rows, {inFlight} in flight");
        Assert.True(steering.Rows("m") > rows, "all streams are in use: batches become larger");
    }

    [Fact]
    public void An_objective_that_one_row_can_not_keep_leaves_one_row_at_a_time()
    {
        var simulation = new SteeringSimulation(Options, new SimulatedGpu(150, 1, 0.02), 64, 3, seed: 1);

        simulation.Run(120);

        Assert.Equal((1, 1), (simulation.Moments[^1].Rows, simulation.Moments[^1].InFlight));
    }

    [Fact]
    public void One_slow_sample_is_no_reason()
    {
        var steering = new DeviceSteering(Options, 64, 2, TimeProvider.System);

        Show(steering, 20, full: true, milliseconds: 150);
        Show(steering, 20, full: true, milliseconds: 50);
        Show(steering, 20, full: true, milliseconds: 150);

        Assert.Equal((64, 2), (steering.Rows("m"), steering.InFlight));
    }

    [Fact]
    public void A_few_batches_that_are_far_too_slow_are_reason_enough()
    {
        var steering = new DeviceSteering(Options, 64, 2, TimeProvider.System);

        Show(steering, 3, full: true, milliseconds: 800);

        Assert.Equal((6, 2), (steering.Rows("m"), steering.InFlight));
    }

    [Theory]
    [InlineData(1, new[] { 1 })]
    [InlineData(16, new[] { 1, 2, 3, 4, 6, 8, 12, 16 })]
    [InlineData(20, new[] { 1, 2, 3, 4, 6, 8, 12, 16, 20 })]
    public void Steps_of_rows_grow_with_the_rows(int largest, int[] steps) => Assert.Equal(steps, SteeredLevel.Ladder(largest));

    private static void Show(DeviceSteering steering, int batches, bool full, double milliseconds, double? utilization = null)
    {
        for (var i = 0; i < batches; i++)
            steering.Observe("m", full, TimeSpan.FromMilliseconds(milliseconds));
        steering.Decide(utilization);
    }

    private static SteeringSimulation Run(Device device, double seconds, SteeringOptions? options = null)
    {
        var simulation = new SteeringSimulation(options ?? Options, device.Gpu, device.MaxBatch, device.Streams, device.Seed);
        simulation.Run(seconds);
        return simulation;
    }

    /// <summary>Devices on which some size keeps the objective, with room for the margin.</summary>
    private static Arbitrary<Device> Devices(int noise) => (
        from start in Gen.Choose(1, 500)
        from row in Gen.Choose(1, 300)
        from percent in Gen.Choose(0, noise)
        from batch in Gen.Elements(8, 32, 100, 256, 1024)
        from streams in Gen.Choose(1, 4)
        from watched in Gen.Elements(true, false)
        from seed in Gen.Choose(1, 1_000_000)
        where row / 20d * batch * streams < LongestBatch
        select new Device(new SimulatedGpu(start / 10d, row / 20d, percent / 100d, watched), batch, streams, seed)).ToArbitrary();

    private sealed record Device(SimulatedGpu Gpu, int MaxBatch, int Streams, int Seed);
}
