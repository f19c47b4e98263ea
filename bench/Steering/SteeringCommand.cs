using System.CommandLine;
using VlWorker.Batching.Steering;
using VlWorker.Worker.Tests.Batching.Steering;

namespace VlWorker.Bench.Steering;

/// <summary><c>steering</c>: the controller of batches on simulated devices, with steps of load and speed.</summary>
internal static class SteeringCommand
{
    private const double Phase = 120;
    private const double SettlingTime = 60;
    private const double LeastShare = 0.6;

    private static readonly Option<double> Objective = new("--objective") { Description = "Milliseconds that 19 of 20 batches may take.", DefaultValueFactory = _ => 100 };
    private static readonly Option<int> Seed = new("--seed") { Description = "Seed of the noise.", DefaultValueFactory = _ => 1 };
    private static readonly Option<string?> Out = new("--out") { Description = "Markdown file for the result." };

    private static readonly (string Name, SimulatedGpu Gpu, int MaxBatch, int Streams)[] Devices =
    [
        ("GPU: 4 ms + 0.15 ms a row", new SimulatedGpu(4, 0.15, 0.03), 1024, 3),
        ("GPU, bound by launches: 20 ms + 0.02 ms a row", new SimulatedGpu(20, 0.02, 0.03), 1024, 3),
        ("GPU, a row as dear as a launch: 5 ms + 5 ms a row", new SimulatedGpu(5, 5, 0.05), 64, 2),
        ("processor: 1 ms + 12 ms a row", new SimulatedGpu(1, 12, 0.08, Watched: false), 16, 1),
        ("the first, noisy", new SimulatedGpu(4, 0.15, 0.25), 1024, 3),
    ];

    /// <summary>The command. Exit code 0 only if it settles, keeps the objective where that can be kept, and does not swing.</summary>
    public static Command Create()
    {
        var command = new Command("steering", "How batches follow an objective, on simulated devices: settles, and does not swing.") { Objective, Seed, Out };
        command.SetAction(result => Run(result.GetValue(Objective), result.GetValue(Seed), result.GetValue(Out)));
        return command;
    }

    private static int Run(double objective, int seed, string? file)
    {
        using var report = new Report("Steering of batches, simulated", file);
        report.Line(FormattableString.Invariant($"Objective: 19 of 20 batches within {objective} ms. Each phase lasts {Phase} s; figures are of its second half. ")
            + "The best fixed setting is found by trying all that keep the objective.");
        var lines = new List<string>
        {
            "| device | phase | settled after | rows x in flight | 95 % within | rows/s | of the best fixed setting | reversals once settled |", "|---|---|---|---|---|---|---|---|",
        };
        var good = true;
        foreach (var (name, gpu, maxBatch, streams) in Devices)
        {
            var simulation = new SteeringSimulation(new SteeringOptions { Enabled = true, BatchTimeMs = objective }, gpu, maxBatch, streams, seed);
            foreach (var (phase, offered, speed) in Phases(gpu, objective, maxBatch, streams))
            {
                simulation.Offered = offered;
                simulation.Gpu = gpu with { Fixed = gpu.Fixed * speed, PerRow = gpu.PerRow * speed };
                good &= Row(lines, simulation, $"{name} | {phase}", objective, maxBatch, streams);
            }
        }

        report.Line(string.Join('\n', lines));
        return good ? 0 : 1;
    }

    private static IEnumerable<(string Name, double Offered, double Slowness)> Phases(SimulatedGpu gpu, double objective, int maxBatch, int streams) =>
    [
        ("more work than it can do", double.PositiveInfinity, 1),
        ("a third of that", gpu.Best(objective, maxBatch, streams) / 3, 1),
        ("more than it can do, again", double.PositiveInfinity, 1),
        ("half as fast", double.PositiveInfinity, 2),
        ("as fast as before", double.PositiveInfinity, 1),
    ];

    private static bool Row(List<string> lines, SteeringSimulation simulation, string name, double objective, int maxBatch, int streams)
    {
        var from = simulation.Moments.Count == 0 ? 0 : simulation.Moments[^1].Seconds;
        simulation.Run(Phase);
        var (percentile, rows, _) = simulation.Mean(from + SettlingTime);
        var end = simulation.Moments[^1];
        var best = double.IsInfinity(simulation.Offered) ? simulation.Gpu.Best(objective, maxBatch, streams) : simulation.Offered;
        var reversals = simulation.Reversals(from + SettlingTime);
        lines.Add(FormattableString.Invariant(
            $"| {name} | {Math.Max(0, simulation.Settled() - from):0} s | {end.Rows} x {end.InFlight} | {percentile:0} ms | {rows:0} | {rows / best:0.00} | {reversals} |"));
        return percentile <= objective && rows >= LeastShare * best && reversals == 0;
    }
}
