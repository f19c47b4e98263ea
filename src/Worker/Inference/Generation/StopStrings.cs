using VlWorker.Inference.Tokenizing;

namespace VlWorker.Inference.Generation;

/// <summary>
/// Texts that end a generation wherever they come to stand, across tokens too. What is looked at is the generated text alone, decoded as in
/// the result. The result's text ends before them, where transformers leaves them in; its tokens are all there.
/// </summary>
/// <param name="texts">The texts, none empty.</param>
/// <param name="tokenizer">Decodes.</param>
internal sealed class StopStrings(IReadOnlyList<string> texts, HubTokenizer tokenizer)
{
    /// <summary>The stop strings of a row; null where it has none.</summary>
    public static StopStrings? Of(GenerationParameters parameters, HubTokenizer tokenizer) =>
        parameters.Stop.Count > 0 ? new StopStrings(parameters.Stop, tokenizer) : null;

    /// <summary>Whether generated tokens hold one of the texts.</summary>
    public bool In(ReadOnlySpan<int> generated) => Find(tokenizer.Decode(generated, true)) >= 0;

    /// <summary>Where in a text the first of the texts begins; -1 where there is none.</summary>
    public int Find(ReadOnlySpan<char> text)
    {
        var first = -1;
        foreach (var stop in texts)
        {
            var place = text.IndexOf(stop, StringComparison.Ordinal);
            if (place >= 0 && (first < 0 || place < first))
                first = place;
        }

        return first;
    }

    /// <summary>Characters of a text before all that is one of the texts or may become one.</summary>
    public int Settled(ReadOnlySpan<char> text)
    {
        var end = Find(text) is >= 0 and var found ? found : text.Length;
        foreach (var stop in texts)
        {
            var part = Math.Min(stop.Length - 1, end);
            while (!text[..end].EndsWith(stop.AsSpan(0, part), StringComparison.Ordinal))
                part--;
            end -= part;
        }

        return end;
    }
}
