using VlWorker.Failures;

namespace VlWorker.Inference.Generation;

/// <summary>One row's search: takes the scores of its next token, says which tokens to run next, and has the sequences in the end.</summary>
/// <param name="index">The row's place in its batch.</param>
/// <param name="parameters">Its parameters.</param>
internal abstract class SearchRow(int index, GenerationParameters parameters)
{
    /// <summary>The row's place in its batch.</summary>
    public int Index { get; } = index;

    /// <summary>Its parameters.</summary>
    public GenerationParameters Parameters { get; } = parameters;

    /// <summary>Decoder rows that it takes: its beams.</summary>
    public int Width => Parameters.NumBeams;

    /// <summary>Decides on the next tokens.</summary>
    /// <param name="scores">Logits, of its decoder rows one after the other, or of one where they are still all the same; overwritten.</param>
    /// <param name="next">Receives a token for each decoder row.</param>
    /// <param name="parents">Receives, for each decoder row, which of its rows that token continues.</param>
    /// <returns>False once the search is over: nothing was received then.</returns>
    /// <exception cref="TransientException">The scores hold no number.</exception>
    public abstract bool Advance(Span<float> scores, Span<int> next, Span<int> parents);

    /// <summary>The sequences found, best first.</summary>
    public abstract IReadOnlyList<FoundSequence> Result();

    /// <summary>The failure of a model that computes no numbers for this row.</summary>
    protected static TransientException NotANumber() => new("the model's scores for this row are not numbers");
}

/// <summary>A sequence that a search found.</summary>
/// <param name="Tokens">The prompt included, padding left out.</param>
/// <param name="Score">See <see cref="GeneratedSequence"/>.</param>
internal sealed record FoundSequence(int[] Tokens, double Score);
