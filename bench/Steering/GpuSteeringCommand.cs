using System.CommandLine;
using System.Diagnostics;
using VlWorker.Batching;
using VlWorker.Batching.Steering;
using VlWorker.Bench.Devices;
using VlWorker.Bench.Pipeline;

namespace VlWorker.Bench.Steering;

/// <summary><c>gpu-steering</c>: the controller of batches on a real device under full load, against the same device unsteered.</summary>
internal static class GpuSteeringCommand
{
    private static readonly Option<DirectoryInfo?> Model = new("--model") { Description = "Model folder; by default the bundled captioner." };
    private static readonly Option<string> Device = new("--device") { Description = "NAME,MAXBATCH[,STREAMS[,FOLDER]]", DefaultValueFactory = _ => "cuda:0,1024,3" };
    private static readonly Option<double[]> Objectives = new("--objective")
    {
        Description = "Milliseconds that 19 of 20 batches may take; several are run one after the other.",
        DefaultValueFactory = _ => [100, 40],
        AllowMultipleArgumentsPerToken = true,
    };

    private static readonly Option<double> Seconds = new("--seconds") { Description = "Length of a run.", DefaultValueFactory = _ => 45 };
    private static readonly Option<string?> Out = new("--out") { Description = "Markdown file for the result." };

    /// <summary>The command. Exit code 0 only if every steered run settles within its first two thirds and keeps its objective from there on.</summary>
    public static Command Create()
    {
        var command = new Command("gpu-steering", "How batches follow an objective on a GPU: settles, keeps it, and does not swing.") { Model, Device, Objectives, Seconds, Out };
        command.SetAction((result, _) => RunAsync(
            result.GetValue(Model)?.FullName ?? Path.Combine(Repository.Models, "demo-captioner"),
            RigDevice.Parse(result.GetValue(Device)!), result.GetValue(Objectives)!, result.GetValue(Seconds), result.GetValue(Out)));
        return command;
    }

    private static async Task<int> RunAsync(string model, RigDevice device, double[] objectives, double seconds, string? file)
    {
        using var report = new Report("Steering of batches on a GPU", file);
        report.Line(FormattableString.Invariant($"{Path.GetFileName(model)} on {device.Options.Name}, MaxBatch {device.Options.MaxBatch}, full load for {seconds:0} s; figures are of the last third."));
        var summary = new List<string>
        {
            "| run | settled after | rows x in flight | 95 % of batches within | images/s | utilisation | power | reversals |", "|---|---|---|---|---|---|---|---|",
        };
        var good = true;
        foreach (var objective in objectives.Select(objective => (double?)objective).Prepend(null))
        {
            var options = objective is { } milliseconds ? new SteeringOptions { Enabled = true, BatchTimeMs = milliseconds } : null;
            var moments = await MeasureAsync(model, device, options, seconds);
            if (options is not null)
                report.Line(FormattableString.Invariant($"Objective {objective} ms:\n\n{Table(moments)}"));
            summary.Add(Row(moments, objective, seconds));
            good &= objective is null || (Settled(moments) <= seconds * 2 / 3 && Late(moments, seconds).Average(moment => moment.Percentile95) <= objective);
        }

        report.Line(string.Join('\n', summary));
        return good ? 0 : 1;
    }

    private static async Task<List<Moment>> MeasureAsync(string model, RigDevice device, SteeringOptions? options, double seconds)
    {
        using var rig = new DeviceRig(model, [device], options);
        var images = await rig.PrepareAsync(Samples.Files);
        rig.Start(warm: true);
        using var stop = new CancellationTokenSource();
        var moments = new List<Moment>();
        var batches = new List<BatchedOutcome>();
        var load = Task.Run(() => rig.RunAsync(images, outcome => { lock (batches) batches.Add(outcome); }, stop.Token));
        using var ticks = new PeriodicTimer(TimeSpan.FromSeconds(1));
        for (var (started, last) = (Stopwatch.GetTimestamp(), Stopwatch.GetTimestamp()); Stopwatch.GetElapsedTime(started).TotalSeconds < seconds;)
        {
            await ticks.WaitForNextTickAsync();
            BatchedOutcome[] rows;
            lock (batches)
            {
                rows = [.. batches];
                batches.Clear();
            }

            moments.Add(await LookAsync(rig, device.Options.Name, rows, Stopwatch.GetElapsedTime(started).TotalSeconds, Stopwatch.GetElapsedTime(last).TotalSeconds));
            last = Stopwatch.GetTimestamp();
        }

        await stop.CancelAsync();
        await load;
        return moments;
    }

    private static async Task<Moment> LookAsync(DeviceRig rig, string device, BatchedOutcome[] rows, double at, double seconds)
    {
        var reading = rig.Gpus.Gpus.Count > 0 ? rig.Gpus.Read(rig.Gpus.Gpus[0]) : null;
        // Every row of a batch has its time: a batch counts once, with its last row.
        var times = rows.GroupBy(row => row.Started).Select(batch => batch.Max(row => row.Ran.TotalMilliseconds)).ToArray();
        return new Moment(
            at,
            (await rig.ByDeviceAsync("vlworker_batch_limit_rows")).GetValueOrDefault(device),
            (await rig.ByDeviceAsync("vlworker_in_flight_limit_batches")).GetValueOrDefault(device),
            times.Length == 0 ? 0 : Statistics.Percentile(times, 0.95),
            rows.Length / seconds,
            reading?.Utilization,
            reading?.PowerWatts);
    }

    private static double Settled(List<Moment> moments) => moments.Zip(moments.Skip(1)).Where(pair => pair.First.Size != pair.Second.Size)
        .Select(pair => pair.Second.Seconds).LastOrDefault();

    private static List<Moment> Late(List<Moment> moments, double seconds) => [.. moments.Where(moment => moment.Seconds > seconds * 2 / 3)];

    /// <summary>Changes of the rows' direction.</summary>
    private static int Reversals(List<Moment> moments)
    {
        var moves = moments.Zip(moments.Skip(1)).Select(pair => Math.Sign(pair.Second.Rows - pair.First.Rows)).Where(move => move != 0).ToList();
        return moves.Zip(moves.Skip(1)).Count(pair => pair.First != pair.Second);
    }

    private static string Row(List<Moment> moments, double? objective, double seconds)
    {
        var late = Late(moments, seconds);
        return FormattableString.Invariant($"| {(objective is null ? "not steered" : $"objective {objective} ms")} | {Settled(moments):0} s | {late[^1].Rows} x {late[^1].InFlight} ")
            + FormattableString.Invariant($"| {late.Max(moment => moment.Percentile95):0.0} ms | {late.Average(moment => moment.PerSecond):0} ")
            + FormattableString.Invariant($"| {late.Average(moment => moment.Utilization):0.00} | {late.Average(moment => moment.Watts):0} W | {Reversals(moments)} |");
    }

    private static string Table(List<Moment> moments) => string.Join('\n',
    [
        "| second | rows x in flight | 95 % within | images/s | utilisation |", "|---|---|---|---|---|",
        .. moments.Where((moment, i) => i < 15 || i % 5 == 0).Select(moment => FormattableString.Invariant(
            $"| {moment.Seconds:0} | {moment.Rows} x {moment.InFlight} | {moment.Percentile95:0.0} ms | {moment.PerSecond:0} | {moment.Utilization:0.00} |")),
    ]);

    /// <summary>What was seen in one second.</summary>
    private sealed record Moment(double Seconds, double Rows, double InFlight, double Percentile95, double PerSecond, double? Utilization, double? Watts)
    {
        public (double, double) Size => (Rows, InFlight);
    }
}
