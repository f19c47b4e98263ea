using VlWorker.Inference;
using VlWorker.Worker.Tests.Inference.Families.Idefics3;

namespace VlWorker.Bench.Gpu;

/// <summary>
/// A chat model's tokens against those of transformers in 32-bit floats. In 16-bit floats a choice between logits that lie close together may fall
/// otherwise; from there on the rest of the answer is another one.
/// </summary>
internal static class ChatFidelity
{
    private const double LeastEqual = 0.9;

    /// <summary>Every case alone, all in one call, and with the host choosing in place of the GPU. Returns rows of a Markdown table.</summary>
    public static IReadOnlyList<string> Compare(IModel model, string what, ChatFixture golden, out bool good)
    {
        var cases = golden.Cases;
        var alone = cases.Select(one => Tokens(model.Run([golden.Input(one)], CancellationToken.None)[0])).ToList();
        var together = model.Run([.. cases.Select(golden.Input)], CancellationToken.None).Select(Tokens).ToList();
        // A penalty of one in a thousand million changes no choice, but lets the host make it.
        ImageInput Penalised(ImageInput input) => new(
            input.Task, input.Pixels, input.Generation! with { RepetitionPenalty = input.Generation!.RepetitionPenalty + 1e-9 }, input.Prompt);
        ImageInput[] penalised = [.. cases.Select(one => Penalised(golden.Input(one)))];
        var host = model.Run(penalised, CancellationToken.None).Select(Tokens).ToList();
        var rows = new List<string>();
        good = true;
        foreach (var (name, found) in new[] { ($"{what} answers, each alone", alone), ($"{what} answers, all in one call", together), ($"{what} answers, chosen on the host", host) })
        {
            var (equal, compared, first) = (0, 0, "");
            for (var i = 0; i < cases.Count; i++)
            {
                var same = cases[i].Caption.Tokens.AsSpan().CommonPrefixLength(found[i]) - cases[i].PromptLength;
                var length = cases[i].Caption.Tokens.Length - cases[i].PromptLength;
                (equal, compared) = (equal + same, compared + Math.Min(length, same + 1));
                if (same < length)
                    first += $"; case {cases[i].Caption.Id} at token {same} of {length}: {Text(found[i], cases[i].PromptLength + same)} for {cases[i].Caption.Tokens[cases[i].PromptLength + same]}";
            }

            var share = equal / (double)compared;
            good &= share >= LeastEqual;
            rows.Add(FormattableString.Invariant($"| {name}: tokens equal, given equal history | {share:0.000}{first} | {LeastEqual} |"));
        }

        return rows;
    }

    private static int[] Tokens(InferenceOutcome outcome) => outcome is CaptionOutcome { Sequences: [var best, ..] }
        ? [.. best.TokenIds]
        : throw new InvalidOperationException("a case failed", (outcome as FailedOutcome)?.Error);

    private static string Text(int[] tokens, int place) => place < tokens.Length ? $"{tokens[place]}" : "nothing";
}
