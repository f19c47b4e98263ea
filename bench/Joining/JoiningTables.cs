using VlWorker.Bench.Batching;

namespace VlWorker.Bench.Joining;

/// <summary>Whole batches and joining rows on simulated devices, with the same arrivals and the same answers.</summary>
/// <param name="seeds">Runs of each, with seeds from 1.</param>
internal sealed class JoiningTables(int seeds)
{
    private const int LeastRows = 2000;

    // Full batches in a run: what happens at its start and end should not count.
    private const int LeastBatches = 24;

    private static readonly double[] Loads = [0.3, 0.6, 0.9];

    private readonly List<string> _throughput = [];
    private readonly List<string> _latency = [];

    /// <summary>Rows a second when rows always wait.</summary>
    public string Throughput => Head("device | answers") + string.Join('\n', _throughput);

    /// <summary>Latency at loads that are a share of what whole batches do.</summary>
    public string Latency => Head("device | answers | load") + string.Join('\n', _latency);

    /// <summary>Simulates a device; returns the rows a second of whole batches where rows always wait.</summary>
    public double Add(SimulatedEngine engine, AnswerLengths lengths)
    {
        var policies = JoiningPolicy.All(engine.MaxBatch);
        var rows = Math.Max(LeastRows, LeastBatches * engine.Streams * engine.MaxBatch);
        var rates = policies.Select(policy => Seeds(seed => Saturate(engine, policy, lengths.Make(rows, seed)))).ToList();
        _throughput.Add(Row(
            $"{engine.Name} | {lengths.Name}",
            rates.Select(static rate => FormattableString.Invariant($"{1000 * rate:0.00}")),
            rates.Skip(2).Max() / rates[0]));
        foreach (var load in Loads)
        {
            var runs = policies.Select(policy => Enumerable.Range(1, seeds).Select(seed => new JoiningSimulation(
                engine, policy, Arrivals.Make(ArrivalKind.Poisson, load * rates[0], rows, seed), lengths.Make(rows, seed)).Run().Latencies).ToList());
            var figures = runs.Select(static run => (
                Mean: run.Average(static one => one.Average()), Most: run.Average(static one => Statistics.Percentile(one, 0.95)))).ToList();
            _latency.Add(Row(
                FormattableString.Invariant($"{engine.Name} | {lengths.Name} | {load:0 %}"),
                figures.Select(static figure => FormattableString.Invariant($"{figure.Mean:0} / {figure.Most:0}")),
                figures.Skip(2).Min(static figure => figure.Mean) / figures[0].Mean,
                figures.Skip(2).Min(static figure => figure.Most) / figures[0].Most));
        }

        return 1000 * rates[0];
    }

    private static double Saturate(SimulatedEngine engine, JoiningPolicy policy, int[] lengths) =>
        lengths.Length / new JoiningSimulation(engine, policy, new double[lengths.Length], lengths).Run().Ended;

    private double Seeds(Func<int, double> run) => Enumerable.Range(1, seeds).Average(run);

    private static string Head(string first)
    {
        var names = string.Join(" | ", JoiningPolicy.All(1).Select(static policy => policy.Name));
        var last = first.EndsWith("load", StringComparison.Ordinal) ? "joining / whole: mean | 95 %" : "joining / whole";
        var head = $"| {first} | {names} | {last} |";
        return $"{head}\n|{string.Concat(Enumerable.Repeat("---|", head.Count(static letter => letter == '|') - 1))}\n";
    }

    private static string Row(string name, IEnumerable<string> cells, params double[] ratios) =>
        $"| {string.Join(" | ", [name, .. cells, .. ratios.Select(static ratio => FormattableString.Invariant($"{ratio:0.00}"))])} |";
}
