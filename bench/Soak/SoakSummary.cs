using System.Globalization;
using VlWorker.Contracts;

namespace VlWorker.Bench.Soak;

/// <summary>What was asked for.</summary>
internal sealed record SoakPlan(double Minutes, double Every, int Workers, double Rate, int Seed);

/// <summary>What came of it.</summary>
/// <param name="Plan">What was asked for.</param>
/// <param name="Broker">The broker's version.</param>
/// <param name="Entries">Every request.</param>
/// <param name="Injected">The faults in their order.</param>
/// <param name="PublishedAgain">Requests that the publisher had to send twice.</param>
/// <param name="Ended">Logs of workers that ended though nobody told them.</param>
/// <param name="Left">Messages left in each queue.</param>
/// <param name="Took">From the first request to the last answer.</param>
internal sealed record SoakOutcome(
    SoakPlan Plan,
    string Broker,
    IReadOnlyCollection<Entry> Entries,
    IReadOnlyList<string> Injected,
    int PublishedAgain,
    IReadOnlyList<string> Ended,
    IReadOnlyDictionary<string, uint> Left,
    TimeSpan Took);

/// <summary>The account of a soak.</summary>
internal static class SoakSummary
{
    /// <summary>Prints and keeps it; returns the exit code: 1 if anything was lost, differs, or came to what it should not.</summary>
    public static int Write(SoakOutcome outcome, string? file)
    {
        using var report = new Report("Soak: mixed lanes under random faults", file);
        var (plan, entries) = (outcome.Plan, outcome.Entries);
        Line(report, $"`dotnet run -c Release --project bench -- soak --minutes {plan.Minutes:0.##} --seed {plan.Seed}`: {plan.Workers} workers on RabbitMQ {outcome.Broker} and Ceph's S3, a fault every {plan.Every:0.##} s; {outcome.Took.TotalMinutes:0.0} min until the last answer.");
        Table(report, entries);
        var lost = Wrong(entry => entry.Endings == 0);
        var differ = Wrong(entry => entry.Differs);
        var blamed = Wrong(entry => entry.Endings > 0 && !entry.IsAsExpected);
        var left = outcome.Left.Where(queue => queue.Value > 0).ToArray();
        Line(report, $"- lost: **{lost.Length}**; results of one request that are not equal: **{differ.Length}**; requests that came to something else than they deserve: **{blamed.Length}**");
        Line(report, $"- left in the queues: {(left.Length == 0 ? "nothing" : string.Join(", ", left.Select(queue => $"{queue.Value} in {queue.Key}")))}");
        Line(report, $"- answered more than once: {Count(entries, entry => entry.Endings > 1)} requests, {entries.Max(entry => entry.Endings)} times at most; published again by the sender: {outcome.PublishedAgain}; workers that ended by themselves: {outcome.Ended.Count}");
        foreach (var entry in lost.Concat(differ).Concat(blamed).Take(20))
            Line(report, $"- {entry}");
        foreach (var log in outcome.Ended.Take(3))
            Line(report, $"```\n{log}\n```");
        Faults(report, outcome.Injected);
        return lost.Length + differ.Length + blamed.Length + left.Length == 0 ? 0 : 1;

        Entry[] Wrong(Func<Entry, bool> wrong) => [.. entries.Where(wrong)];
    }

    private static void Table(Report report, IReadOnlyCollection<Entry> entries)
    {
        string[] lanes = [.. Topology.RequestQueues.Select(queue => queue.RoutingKey)];
        string[] words = [.. entries.SelectMany(entry => entry.Words).Distinct().Order(StringComparer.Ordinal).OrderBy(word => word != Ledger.Described)];
        List<string> rows = [$"| | {string.Join(" | ", lanes)} | all |", $"|---|{string.Concat(lanes.Select(_ => "---|"))}---|", Row("sent", _ => true)];
        rows.AddRange(words.Select(word => Row(Name(word), entry => entry.Words.Contains(word))));
        rows.Add(Row("more than once", entry => entry.Endings > 1));
        report.Line(string.Join('\n', rows));

        string Row(string name, Func<Entry, bool> counts) =>
            $"| {name} | {string.Join(" | ", lanes.Select(lane => Count(entries, entry => entry.Lane == lane && counts(entry))))} | {Count(entries, counts)} |";
    }

    private static void Faults(Report report, IReadOnlyList<string> injected) => report.Line(string.Join('\n',
    [
        $"| {injected.Count} faults | times |", "|---|---|",
        .. injected.GroupBy(name => name).OrderBy(group => group.Key, StringComparer.Ordinal).Select(group => $"| {group.Key} | {group.Count()} |"),
    ]));

    private static string Name(string word) => word switch
    {
        Ledger.Described => word,
        DeadLetterReason.MalformedJson or DeadLetterReason.AttemptsExhausted or DeadLetterReason.UnexpectedError
            or DeadLetterReason.CrashedWorker => $"dead letter: {word}",
        _ => $"rejected: {word}",
    };

    private static string Count(IReadOnlyCollection<Entry> entries, Func<Entry, bool> counts) => entries.Count(counts).ToString("N0", CultureInfo.InvariantCulture);

    private static void Line(Report report, FormattableString text) => report.Line(text.ToString(CultureInfo.InvariantCulture));
}
