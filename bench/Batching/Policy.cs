using System.Globalization;
using VlWorker.Batching;

namespace VlWorker.Bench.Batching;

/// <summary>A way to decide how long batches wait.</summary>
/// <param name="Name">For the table.</param>
/// <param name="Options">The worker's settings.</param>
internal sealed record Policy(string Name, BatchingOptions Options)
{
    private const double MeanMayBe = 1.05;
    private const double Percentile95MayBe = 1.10;

    /// <summary>The fixed ones, then the learned one.</summary>
    public static IReadOnlyList<Policy> All { get; } = [Fixed(0), Fixed(10), Fixed(50), new("learned", new BatchingOptions { MaxWaitMs = 50 })];

    /// <summary>Columns of a table of <see cref="Row"/>.</summary>
    public static string Header(string first) =>
        $"| {first} | {string.Join(" | ", All.Select(policy => policy.Name))} | learned / best: mean | 95 % |\n|{string.Concat(Enumerable.Repeat("---|", All.Count + 3))}";

    /// <summary>A row: mean and 95th percentile of each, and how the learned one compares with the best fixed one of each figure.</summary>
    /// <param name="name">First column.</param>
    /// <param name="latencies">Milliseconds: mean and 95th percentile, in the order of <see cref="All"/>.</param>
    public static (string Text, bool Good) Row(string name, IReadOnlyList<(double Mean, double Percentile95)> latencies)
    {
        var (mean, percentile) = Ratios(latencies);
        var cells = latencies.Select(latency => string.Create(CultureInfo.InvariantCulture, $"{latency.Mean:0.0} / {latency.Percentile95:0.0}"));
        var text = string.Create(CultureInfo.InvariantCulture, $"| {name} | {string.Join(" | ", cells)} | {mean:0.000} | {percentile:0.000} |");
        return (text, mean <= MeanMayBe && percentile <= Percentile95MayBe);
    }

    /// <summary>Each figure of the learned one, by the best fixed one's.</summary>
    public static (double Mean, double Percentile95) Ratios(IReadOnlyList<(double Mean, double Percentile95)> latencies) =>
        (latencies[^1].Mean / latencies.SkipLast(1).Min(latency => latency.Mean),
            latencies[^1].Percentile95 / latencies.SkipLast(1).Min(latency => latency.Percentile95));

    private static Policy Fixed(double milliseconds) =>
        new($"{milliseconds} ms", new BatchingOptions { Window = WindowKind.Fixed, MaxWaitMs = milliseconds });
}
