using VlWorker.Contracts;
using VlWorker.Inference;
using VlWorker.Worker.Tests.Inference;

namespace VlWorker.Bench.Gpu;

/// <summary>The golden cases of a captioner's fixture, on a model that is loaded.</summary>
internal static class FixtureFidelity
{
    /// <summary>Every case alone, and all in one call that mixes images, prompts and beams.</summary>
    /// <param name="model">Stays the caller's.</param>
    /// <param name="golden">The cases.</param>
    /// <param name="what">Name of the rows.</param>
    /// <param name="exact">Whether every token must be equal.</param>
    /// <returns>Rows of a Markdown table, and whether everything is as it must be.</returns>
    public static (IReadOnlyList<string> Rows, bool Good) Compare(IModel model, GoldenCases golden, string what, bool exact)
    {
        InferenceInput Input(GoldenCaption one) => new ImageInput(Tasks.Caption, golden.Pixels(one.Image), one.Parameters, one.Prompt);
        var alone = golden.Captions.Select(one => model.Run([Input(one)], CancellationToken.None)[0]).ToList();
        var together = model.Run([.. golden.Captions.Select(Input)], CancellationToken.None);
        var (first, second) = (Row(golden, alone, $"{what}, each case alone", exact), Row(golden, together, $"{what}, all in one call", exact));
        return ([first.Text, second.Text], first.Good && second.Good);
    }

    private static (string Text, bool Good) Row(GoldenCases golden, IReadOnlyList<InferenceOutcome> outcomes, string what, bool exact)
    {
        var (equal, deviation, faults) = (0, 0d, new List<string>());
        foreach (var (one, outcome) in golden.Captions.Zip(outcomes))
        {
            if (outcome is not CaptionOutcome { Sequences: [var best, ..] })
            {
                faults.Add($"case {one.Id}: {outcome}");
                continue;
            }

            var place = 0;
            while (place < Math.Min(one.Tokens.Length, best.TokenIds.Count) && one.Tokens[place] == best.TokenIds[place])
                place++;
            if (place < one.Tokens.Length || best.TokenIds.Count > place)
            {
                faults.Add($"case {one.Id} ({one.Parameters.NumBeams} beams, n-grams of {one.Parameters.NoRepeatNgramSize}) from token {place} on");
                continue;
            }

            equal++;
            deviation = Math.Max(deviation, Math.Abs(one.Score - best.Score) / Math.Max(1, Math.Abs(one.Score)));
        }

        var count = golden.Captions.Count;
        var text = FormattableString.Invariant($"| {what}: cases with equal tokens; greatest deviation of their scores | {equal} of {count}; {deviation:0.0e+0} | {(exact ? "all; 1e-3" : "")} |");
        if (faults.Count > 0)
            text += $"\n| differing: {string.Join("; ", faults.Take(8))} | | |";
        return (text, !exact || (equal == count && deviation <= 1e-3));
    }
}
