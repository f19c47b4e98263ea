using VlWorker.Inference.Tokenizing;

namespace VlWorker.Inference.Generation;

/// <summary>Turns found sequences into texts.</summary>
/// <param name="tokenizer">Decodes.</param>
/// <param name="withPrompt">Whether the prompt is part of the text, as transformers' <c>generate()</c> has it; else only what was generated.</param>
internal sealed class SequenceTexts(HubTokenizer tokenizer, bool withPrompt)
{
    /// <summary>The outcome of a row.</summary>
    public InferenceOutcome Outcome(RowRequest request, RowResult result) => result.Error is { } error
        ? new FailedOutcome(error)
        : new CaptionOutcome([.. result.Sequences.Select(sequence => Text(request, sequence))]);

    private GeneratedSequence Text(RowRequest request, FoundSequence found)
    {
        var generated = found.Tokens.AsSpan(request.Prompt.Count);
        var text = tokenizer.Decode(withPrompt ? found.Tokens : generated, true);
        if (request.Stop is { } stop)
        {
            var own = withPrompt ? tokenizer.Decode(generated, true) : text;
            if (stop.Find(own) is >= 0 and var place)
                text = text[..Math.Max(0, text.Length - (own.Length - place))];
        }

        return new GeneratedSequence(found.Tokens, text, found.Score, generated.Length);
    }
}
