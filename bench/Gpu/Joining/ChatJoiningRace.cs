using VlWorker.Bench.Batching;
using VlWorker.Bench.Gpu.Families;
using VlWorker.Bench.Joining;
using VlWorker.Decoding;
using VlWorker.Inference.Cuda;
using VlWorker.Inference.Families.Idefics3.Cuda;

namespace VlWorker.Bench.Gpu.Joining;

/// <summary>One size of batches: the ways take turns, with the same rows.</summary>
/// <param name="engine">The engine, whose batches have this size at most.</param>
/// <param name="settings">How it runs.</param>
/// <param name="policy">When rows leave and join.</param>
/// <param name="ways">The ways, whole batches first.</param>
/// <param name="rounds">Rounds; the median counts.</param>
/// <param name="report">Where it goes.</param>
internal sealed class ChatJoiningRace(
    CudaChatEngine engine, CudaSettings settings, JoinPolicy policy, IReadOnlyList<ChatWay> ways, int rounds, Report report)
{
    private const int Images = 64;
    private const int LeastRows = 768;
    private const int Batches = 8;

    private readonly PreparedPixels[] _images = SyntheticImages.Make(Images, ChatCase.Side);
    private readonly Dictionary<ChatWay, List<Round>> _rounds = ways.ToDictionary(static way => way, static _ => new List<Round>());

    /// <summary>What rows said in whole batches.</summary>
    public int[][] Answers { get; private set; } = [];

    /// <summary>Rows a second of the last way over those of whole batches, where rows always wait.</summary>
    public double Ratio { get; private set; }

    /// <summary>Rows where they always wait, then at a share of what whole batches do, if one is given.</summary>
    public void Run(double load)
    {
        var lengths = AnswerLengths.Spread.Make(Math.Max(LeastRows, Batches * settings.MaxBatch), 1);
        // The first run chooses kernels.
        foreach (var way in ways)
            Answer(way, lengths[..Math.Min(lengths.Length, settings.Lanes * settings.MaxBatch)], 0);
        Rounds(lengths, 0);
        Answers = _rounds[ways[0]][0].Backlog.Answers;
        Ratio = PerSecond(ways[^1]) / PerSecond(ways[0]);
        report.Line($"{lengths.Length} rows that wait from the start, answers {AnswerLengths.Spread.Name}:");
        report.Line(Table());
        report.Line(Tokens());
        if (load > 0)
        {
            var rate = load * PerSecond(ways[0]);
            Rounds(lengths, rate);
            report.Line(FormattableString.Invariant($"{rate:0} rows a second, {load:0 %} of what whole batches do, Poisson arrivals:"));
            report.Line(Table());
        }
    }

    private void Rounds(int[] lengths, double rate)
    {
        foreach (var way in ways)
            _rounds[way].Clear();
        for (var round = 0; round < rounds; round++)
        {
            foreach (var way in ways)
                _rounds[way].Add(Answer(way, lengths, rate));
        }
    }

    private Round Answer(ChatWay way, int[] lengths, double rate)
    {
        var arrivals = rate > 0 ? Arrivals.Make(ArrivalKind.Poisson, rate / 1000, lengths.Length, 1) : new double[lengths.Length];
        var backlog = new ChatBacklog(_images, lengths, arrivals);
        return new Round(backlog, lengths.Length / way.Answer(engine, policy, backlog, settings.Lanes, settings.MaxBatch));
    }

    private string Table() => string.Join('\n', (string[])
    [
        "| rows | rows/s | over whole batches | latency, ms: mean | 95 % | joins |",
        "|---|---|---|---|---|---|",
        .. ways.Select(way =>
            FormattableString.Invariant($"| {way.Name} | {PerSecond(way):0} | {PerSecond(way) / PerSecond(ways[0]):0.00} | ")
            + FormattableString.Invariant($"{Median(way, static round => round.Backlog.Latencies.Average()):0} | ")
            + FormattableString.Invariant($"{Median(way, static round => Statistics.Percentile(round.Backlog.Latencies, 0.95)):0} | ")
            + FormattableString.Invariant($"{Median(way, static round => round.Backlog.Joins):0} |")),
    ]);

    private string Tokens() => $"Equal to whole batches' in the first round: "
        + string.Join("; ", ways.Skip(1).Select(way => $"{way.Name}: {TokenAgreement.Of(_rounds[way][0].Backlog.Answers, Answers)}"))
        + $". Different answers among {Answers.Length}: {Answers.Select(static answer => string.Join(' ', answer)).Distinct().Count()}, "
        + $"different tokens: {Answers.SelectMany(static answer => answer).Distinct().Count()}.";

    private double PerSecond(ChatWay way) => Median(way, static round => round.PerSecond);

    private double Median(ChatWay way, Func<Round, double> figure) => Statistics.Median(_rounds[way].Select(figure));

    private sealed record Round(ChatBacklog Backlog, double PerSecond);
}
