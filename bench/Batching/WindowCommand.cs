using System.CommandLine;
using VlWorker.Worker.Tests.Batching;

namespace VlWorker.Bench.Batching;

/// <summary><c>window</c>: the learned window against fixed ones, the worker's own batcher on simulated devices and a simulated clock.</summary>
internal static class WindowCommand
{
    private const int LeastRows = 3000;

    /// <summary>Times that a stream's full batch fits into a run: what happens at the start should not count.</summary>
    private const double LeastBatches = 100;

    private static readonly Option<int> Seeds = new("--seeds") { Description = "Runs of each, with seeds from 1.", DefaultValueFactory = _ => 10 };
    private static readonly Option<string?> Out = new("--out") { Description = "File for the result, Markdown." };

    private static readonly (string Name, SimulatedDevice Device)[] Devices =
    [
        ("processor, 2 streams: 2 ms + 12 ms a row, 16 rows", new SimulatedDevice(2, 12, 2, 16, 0.1)),
        ("processor, 8 streams: 3 ms + 12 ms a row, 16 rows", new SimulatedDevice(3, 12, 8, 16, 0.1)),
        ("one stream: 20 ms + 1 ms a row, 16 rows", new SimulatedDevice(20, 1, 1, 16, 0.05)),
        ("GPU, 2 streams: 10 ms + 0.16 ms a row, 128 rows", new SimulatedDevice(10, 0.16, 2, 128, 0.03)),
        ("GPU bound by launches, 3 streams: 20 ms + 0.02 ms a row, 64 rows", new SimulatedDevice(20, 0.02, 3, 64, 0.03)),
        ("GPU, a row as dear as a launch, 2 streams: 5 ms + 5 ms a row, 64 rows", new SimulatedDevice(5, 5, 2, 64, 0.05)),
    ];

    /// <summary>The command. Exit code 0 only if the learned window is as good everywhere as it promises.</summary>
    public static Command Create()
    {
        var command = new Command("window", "How long batches wait: the learned window against fixed ones, simulated.") { Seeds, Out };
        command.SetAction(result => Run(result.GetValue(Seeds), result.GetValue(Out)));
        return command;
    }

    private static int Run(int seeds, string? file)
    {
        using var report = new Report("How long batches wait, simulated", file);
        report.Line($"Latency in milliseconds, mean / 95th percentile, mean of {seeds} seeds. Bursts are of eight rows on the average. The load is a share of what full batches do. "
            + "The learned window must be within 5 % of the best fixed one in the mean and within 10 % in the 95th percentile, whichever is best in each.");
        var lines = new List<string> { Policy.Header("device | arrivals | load").Replace("|---|", "|---|---|---|", StringComparison.Ordinal) };
        var good = true;
        foreach (var (name, device) in Devices)
        {
            foreach (var kind in Enum.GetValues<ArrivalKind>())
            {
                foreach (var load in (double[])[0.3, 0.6, 0.9])
                {
                    var (text, within) = Policy.Row(FormattableString.Invariant($"{name} | {kind} | {load:0 %}"), Measure(device, kind, load, seeds));
                    lines.Add(text);
                    good &= within;
                }
            }
        }

        report.Line(string.Join('\n', lines));
        return good ? 0 : 1;
    }

    private static List<(double Mean, double Percentile95)> Measure(SimulatedDevice device, ArrivalKind kind, double load, int seeds)
    {
        var full = device.Milliseconds(device.MaxBatch);
        var rate = load * device.Streams * device.MaxBatch / full;
        var rows = Math.Max(LeastRows, (int)(LeastBatches * full * rate));
        return [.. Policy.All.Select(policy =>
        {
            var runs = Enumerable.Range(1, seeds).Select(seed => Latencies(device, policy, Arrivals.Make(kind, rate, rows, seed), seed)).ToList();
            return (runs.Average(run => run.Average()), runs.Average(run => Statistics.Percentile(run, 0.95)));
        })];
    }

    private static List<double> Latencies(SimulatedDevice device, Policy policy, double[] arrivals, int seed)
    {
        using var simulation = new DeviceSimulation([device], policy.Options, seed: seed);
        foreach (var moment in arrivals)
            simulation.Arrive(moment, 1);
        simulation.Run(double.MaxValue);
        return [.. simulation.Latencies];
    }
}
