using VlWorker.Bench.Inference;

namespace VlWorker.Bench.Joining;

/// <summary>
/// What the simulation takes for granted, on the engine: rows at different positions share steps as cheaply as rows at the same one, and say the same
/// as alone.
/// </summary>
internal static class JoinedRows
{
    private const int Rows = 8;
    private const int Context = 64;
    private const int Lead = 6;

    // As many tokens in all as if each had Context of them.
    private static readonly int[] Spread = [.. Enumerable.Range(0, Rows).Select(static row => ((2 * row) + 1) * Context / Rows)];

    /// <summary>Compares, and reports a line each.</summary>
    public static void Check(FullSizeChat chat, StageMeasurement measurement, Report report)
    {
        var cases = new[] { [.. Enumerable.Repeat(Context, Rows)], Spread, [.. Enumerable.Repeat(Spread[^1], Rows)] };
        var took = measurement.Fastest([.. cases.Select(contexts => (Func<StageTimes>)(() => Answer(chat, contexts)))]);
        var steps = took.Select(static times => times.Steps[0]).ToList();
        report.Line(FormattableString.Invariant($"Steps of {Rows} rows on the engine: contexts of {Context} tokens each {steps[0]:0.0} ms; ")
            + FormattableString.Invariant($"of {Spread[0]} to {Spread[^1]} tokens, as many in all, {steps[1]:0.0} ms; ")
            + FormattableString.Invariant($"of {Spread[^1]} each {steps[2]:0.0} ms."));
        Tell(chat, report);
    }

    // A row that has generated some tokens goes on in company of rows that have fewer.
    private static void Tell(FullSizeChat chat, Report report)
    {
        var prompts = Enumerable.Range(0, Rows).Select(static row => FullSizeChat.Text(16 + row, seed: row)).ToList();
        int[] before = [.. Enumerable.Range(0, Rows).Select(static row => Lead * row)];
        var alone = prompts.Select(prompt => chat.Answer([prompt], [Lead * Rows])[0]).ToList();
        var joined = chat.Answer(
            [.. prompts.Select((prompt, row) => (int[])[.. prompt, .. alone[row][..before[row]]])],
            [.. before.Select(static taken => (Lead * Rows) - taken)]);
        var (all, equal) = (0, 0);
        for (var row = 0; row < Rows; row++)
        {
            var rest = alone[row][before[row]..];
            all += rest.Length;
            equal += rest.AsSpan().CommonPrefixLength(joined[row]);
        }

        report.Line($"{Rows} rows that go on together after {before.Min()} to {before.Max()} tokens of their answers: {equal} of {all} tokens as "
            + "when each answers alone, up to a row's first difference.");
    }

    private static StageTimes Answer(FullSizeChat chat, int[] contexts)
    {
        const int Tokens = 1 + StageMeasurement.Window;
        return chat.Clock.Time(
            () => chat.Answer([.. contexts.Select(static context => FullSizeChat.Text(context))], [.. contexts.Select(static _ => Tokens)]), Tokens);
    }
}
