using System.CommandLine;
using System.Globalization;
using System.Text.RegularExpressions;

namespace VlWorker.Bench.Scaling;

/// <summary>Plays days of arrivals against the autoscaler's rule in deploy/k8s and the throughput that was measured.</summary>
internal static partial class ScalingCommand
{
    private const int Days = 10;

    /// <summary>A burst soon after another's end may call pods back; more than so many times a day is thrashing.</summary>
    private const int MostReversals = 3;

    private static readonly Option<string?> Output = new("--output")
    {
        Description = "File for the results.",
        DefaultValueFactory = _ => Path.Combine(Repository.Root, "bench", "results", "scaling.md"),
    };

    private const string Description =
        "Play days of arrivals against the autoscaling of deploy/k8s. Exit code: 1 if a busy pod was killed, or pods came and went in circles.";

    /// <summary>The command.</summary>
    public static Command Create()
    {
        var command = new Command("scaling", Description) { Output };
        command.SetAction(result => Run(result.GetValue(Output)));
        return command;
    }

    private static int Run(string? output)
    {
        using var report = new Report("Autoscaling, simulated", output);
        report.Line(
            $"{Days} days, seeds 1 to {Days}: nobody from 22 to 6 o'clock, most at 14, Poisson arrivals, eight bursts of 1 to 10 minutes at two to four times the rate, and a "
            + "backfill at 20:00 that is published at 8,000 a second. Rules as in deploy/k8s; a pod's images a second as measured (bench/results). The sum of ten days, the worst "
            + "wait of any. A pod takes messages 30 s after the decision (60 s with a GPU), which is assumed: it depends on the cluster. "
            + $"Reversals: the number grew again within five minutes after it had shrunk (at most {MostReversals} a day).");
        var cpu = Measured("worker.md", CpuLine());
        var gpu = Measured("gpu-worker.md", GpuLine());
        var rule = ScalingRule.Read("cpu");
        var failed = Table(report, "cpu", cpu, 30, 2_000_000, 200,
            [
                ("as it is", rule), ("without the window for shrinking", rule with { StabilizeDown = 0, Down = (100, 15) }),
                ("without the rate of publishing", WithoutRates(rule)), ("messages in hand not counted", rule with { CountsInHand = false }),
            ]);
        failed |= Table(report, "gpu", gpu, 60, 20_000_000, 4_000, [("as it is", ScalingRule.Read("gpu"))]);
        return failed ? 1 : 0;
    }

    private static bool Table(
        Report report, string overlay, double throughput, int startup, long backfill, double peak, IReadOnlyList<(string Name, ScalingRule Rule)> variants)
    {
        var lines = new List<string>();
        var failed = false;
        foreach (var (name, rule) in variants)
        {
            var days = Enumerable.Range(1, Days).Select(seed => (Day: new ArrivalDay(seed, peak, backfill), Fleet: new Fleet(rule, throughput, startup)))
                .Select(pair => (pair.Day, Outcome: pair.Fleet.Run(pair.Day))).ToList();
            lines.Add(Row(name, days));
            failed |= name == "as it is" && days.Any(day => day.Outcome.KilledBusy > 0 || day.Outcome.Interactive.Total > 0);
            failed |= name == "as it is" && days.Sum(day => day.Outcome.Reversals) > MostReversals * Days;
        }

        report.Line(string.Create(
            CultureInfo.InvariantCulture,
            $"**overlay {overlay}**: {throughput:0.#} images/s a pod, {variants[0].Rule.MaxReplicas} pods at most "
            + $"({variants[0].Rule.MaxReplicas * 24 * Days:N0} pod-hours if they all ran always), "
            + $"{peak:N0} interactive images/s at 14:00, a backfill of {backfill:N0}"));
        report.Line(string.Join('\n', [
            "| rule | images | pod-hours | hours at zero | ups / downs | reversals | most pods | interactive wait p50 / p95 / p99.9, s "
            + "| largest backlog interactive / backfill | stopped while busy | given back | killed while busy |",
            "|---|---|---|---|---|---|---|---|---|---|---|---|", .. lines]));
        return failed;
    }

    private static ScalingRule WithoutRates(ScalingRule rule) =>
        rule with { Interactive = rule.Interactive with { Rate = 0 }, Backfill = rule.Backfill with { Rate = 0 } };

    private static string Row(string name, List<(ArrivalDay Day, ScalingOutcome Outcome)> days)
    {
        var outcomes = days.Select(day => day.Outcome).ToList();
        int Worst(double share) => outcomes.Max(day => day.Interactive.Percentile(share));
        return string.Create(
            CultureInfo.InvariantCulture,
            $"| {name} | {outcomes.Sum(day => day.Interactive.Done + day.Backfill.Done):N0} "
            + $"| {outcomes.Sum(day => day.PodHours):N0} | {outcomes.Sum(day => day.HoursAtZero):N0} "
            + $"| {outcomes.Sum(day => day.Ups)} / {outcomes.Sum(day => day.Downs)} | {outcomes.Sum(day => day.Reversals)} | {outcomes.Max(day => day.MostPods)} "
            + $"| {Worst(0.5)} / {Worst(0.95)} / {Worst(0.999)} "
            + $"| {outcomes.Max(day => day.Interactive.Largest):N0} / {outcomes.Max(day => day.Backfill.Largest):N0} "
            + $"| {outcomes.Sum(day => day.StoppedBusy)} | {outcomes.Sum(day => day.GivenBack):N0} | {outcomes.Sum(day => day.KilledBusy)} |");
    }

    private static double Measured(string file, Regex line) => double.Parse(
        line.Match(File.ReadAllText(Path.Combine(Repository.Root, "bench", "results", file))) is { Success: true } match
            ? match.Groups[1].Value
            : throw new InvalidDataException($"bench/results/{file} does not have the throughput where it was"),
        CultureInfo.InvariantCulture);

    [GeneratedRegex(@"median:.*?worker ([0-9.]+) images/s")]
    private static partial Regex CpuLine();

    [GeneratedRegex(@"\| worker, cuda:0[^|]*\| ([0-9.]+) \|")]
    private static partial Regex GpuLine();
}
