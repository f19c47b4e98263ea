using System.CommandLine;
using System.Diagnostics;
using VlWorker.Batching;
using VlWorker.Bench.Pipeline;

namespace VlWorker.Bench.Batching;

/// <summary><c>window-engine</c>: the same policies on the real engine, at 60 % of what it can do.</summary>
internal static class WindowEngineCommand
{
    private const double Load = 0.6;
    private const int InFlight = 128;
    private const int Resamples = 1000;

    // A round in which others took more of the machine is played again, some times.
    private const double Quiet = 0.05;
    private const int Repeats = 3;

    public static Command Create()
    {
        var seconds = new Option<double>("--seconds") { DefaultValueFactory = _ => 4, Description = "Seconds of arrivals of each policy in a round." };
        var rounds = new Option<int>("--rounds") { DefaultValueFactory = _ => 3, Description = "Rounds, in which the policies take turns." };
        var output = new Option<string?>("--out") { Description = "File for the result, Markdown." };
        var command = new Command("window-engine", "The learned window against fixed ones, on the real engine at 60 % load.") { seconds, rounds, output };
        command.SetAction(async (result, _) =>
        {
            using var report = new Report("How long batches wait, on the engine", result.GetValue(output));
            return await RunAsync(result.GetValue(seconds), result.GetValue(rounds), report);
        });
        return command;
    }

    private static async Task<int> RunAsync(double seconds, int rounds, Report report)
    {
        var images = Samples.Files.Select(File.ReadAllBytes).ToArray();
        var engines = Policy.All.Select(policy => new EngineAlone(
            Path.Combine(Repository.Models, "demo-captioner"), policy.Options.MaxBatch, batching: policy.Options)).ToList();
        try
        {
            await engines[0].RunAsync(images, images.Length, InFlight);
            var capacity = 4 * images.Length / await engines[0].RunAsync(images, 4 * images.Length, InFlight);
            report.Line(FormattableString.Invariant(
                $"demo-captioner, decoding included: full batches do {capacity:0.0} images/s; {Load * capacity:0.0} a second arrive, in {rounds} rounds of {seconds} s for each policy, which take turns on the same arrivals. Latency in milliseconds, mean / 95th percentile."));
            var (lines, spreads) = (new List<string> { Policy.Header("arrivals") }, new List<string>());
            var (good, disturbed) = (true, 0);
            foreach (var kind in Enum.GetValues<ArrivalKind>())
            {
                var (measured, again) = await MeasureAsync(engines, images, kind, Load * capacity / 1000, seconds, rounds);
                disturbed += again;
                var (text, within) = Policy.Row($"{kind}", Figures(measured));
                lines.Add(text);
                spreads.Add($"{kind}: {Spread(measured)}");
                good &= within;
            }

            report.Line(string.Join('\n', lines));
            report.Line($"How far chance goes: the same from {Resamples} draws of as many rounds with replacement, nine of ten draws. {string.Join("; ", spreads)}.");
            report.Line(FormattableString.Invariant($"Rounds in which other processes took more than {100 * Quiet:0} % of the machine and that were played again: {disturbed}."));
            return good ? 0 : 1;
        }
        finally
        {
            engines.ForEach(engine => engine.Dispose());
        }
    }

    /// <summary>Latencies in milliseconds, by policy and round; rounds that others disturbed are played again.</summary>
    private static async Task<(List<List<double[]>> Latencies, int Again)> MeasureAsync(
        List<EngineAlone> engines, byte[][] images, ArrivalKind kind, double rate, double seconds, int rounds)
    {
        var latencies = engines.Select(_ => new List<double[]>()).ToList();
        var again = 0;
        // The first round is for learning.
        for (var round = 0; round <= rounds; round++)
        {
            var moments = Arrivals.Make(kind, rate, (int)(rate * seconds * 1000 / (round == 0 ? 4 : 1)), seed: round);
            var (measured, disturbed) = await RoundAsync(engines, images, moments, round);
            for (var repeat = 0; disturbed && round > 0 && repeat < Repeats; repeat++, again++)
                (measured, disturbed) = await RoundAsync(engines, images, moments, round);
            for (var engine = 0; engine < engines.Count && round > 0; engine++)
                latencies[engine].Add(measured[engine]);
        }

        return (latencies, again);
    }

    private static async Task<(double[][] Latencies, bool Disturbed)> RoundAsync(List<EngineAlone> engines, byte[][] images, double[] moments, int round)
    {
        var (measured, disturbed) = (new double[engines.Count][], false);
        for (var turn = 0; turn < engines.Count; turn++)
        {
            var engine = (turn + round) % engines.Count;
            var others = new OtherProcesses();
            measured[engine] = await PlayAsync(engines[engine], images, moments);
            disturbed |= others.Share > Quiet;
        }

        return (measured, disturbed);
    }

    private static List<(double Mean, double Percentile95)> Figures(List<List<double[]>> measured) => [.. measured.Select(rounds =>
    {
        var all = rounds.SelectMany(round => round).ToList();
        return (all.Average(), Statistics.Percentile(all, 0.95));
    })];

    private static string Spread(List<List<double[]>> measured)
    {
        var random = new Random(1);
        var ratios = Enumerable.Range(0, Resamples).Select(_ =>
        {
            var draw = measured[0].Select(_ => random.Next(measured[0].Count)).ToList();
            return Policy.Ratios(Figures([.. measured.Select(rounds => draw.Select(round => rounds[round]).ToList())]));
        }).ToList();
        return FormattableString.Invariant($"mean {Between(ratios.Select(ratio => ratio.Mean))}, 95 % {Between(ratios.Select(ratio => ratio.Percentile95))}");
    }

    private static string Between(IEnumerable<double> ratios)
    {
        double[] all = [.. ratios];
        return FormattableString.Invariant($"{Statistics.Percentile(all, 0.05):0.00} to {Statistics.Percentile(all, 0.95):0.00}");
    }

    private static async Task<double[]> PlayAsync(EngineAlone engine, byte[][] images, double[] moments)
    {
        var clock = Stopwatch.StartNew();
        var rows = new List<Task<double>>();
        for (var i = 0; i < moments.Length; i++)
        {
            await Clock.UntilAsync(clock, moments[i]);
            var image = images[i % images.Length];
            rows.Add(Task.Run(() => MeasureAsync(engine, image)));
        }

        return await Task.WhenAll(rows);
    }

    private static async Task<double> MeasureAsync(EngineAlone engine, byte[] image)
    {
        var clock = Stopwatch.StartNew();
        await engine.CaptionAsync(image, BatchPriority.Interactive);
        return clock.Elapsed.TotalMilliseconds;
    }
}
