using VlWorker.Failures;

namespace VlWorker.Inference.Generation;

/// <summary>One row's search: takes the scores of its next token, says which tokens to run next, and has the sequences in the end.</summary>
/// <param name="index">The row's place in its batch.</param>
/// <param name="request">What it asks for.</param>
internal abstract class SearchRow(int index, RowRequest request)
{
    private readonly RowEnd? _end = request.End;
    private int _taken = request.Prompt.Count;

    /// <summary>The row's place in its batch.</summary>
    public int Index { get; } = index;

    /// <summary>Its parameters.</summary>
    public GenerationParameters Parameters { get; } = request.Parameters;

    /// <summary>What its sequences start with.</summary>
    public IReadOnlyList<int> Prompt { get; } = request.Prompt;

    /// <summary>Somebody who reads along; null where nobody does.</summary>
    public RowWatch? Watch { get; } = request.Watch;

    /// <summary>What it has generated so far, where that is one sequence that only grows; else nothing.</summary>
    public virtual ReadOnlySpan<int> Generated => [];

    /// <summary>Decoder rows that it takes: its beams.</summary>
    public int Width => Parameters.NumBeams;

    /// <summary>Tokens of a sequence at most, the prompt included.</summary>
    protected int MaxLength { get; } = request.Prompt.Count + request.Parameters.MaxNewTokens;

    /// <summary>Decoder rows that it has: one as long as all its beams are the same, then <see cref="Width"/>.</summary>
    protected int DecoderRows { get; private set; } = 1;

    /// <summary>Says how much of the prompt the first step ran; the rest is run token by token before the search begins.</summary>
    public void Begin(int taken) => _taken = Math.Min(taken, Prompt.Count);

    /// <summary>Decides on the next tokens.</summary>
    /// <param name="scores">Logits, of its decoder rows one after the other, or of one where they are still all the same; overwritten.</param>
    /// <param name="next">Receives a token for each decoder row.</param>
    /// <param name="parents">Receives, for each decoder row, which of its rows that token continues.</param>
    /// <returns>False once the search is over: nothing was received then.</returns>
    /// <exception cref="TransientException">The scores hold no number.</exception>
    public bool Advance(Span<float> scores, Span<int> next, Span<int> parents)
    {
        if (_taken == Prompt.Count)
        {
            if (!Choose(scores, next, parents))
                return false;
        }
        else
        {
            next.Fill(Prompt[_taken++]);
            for (var i = 0; i < parents.Length; i++)
                parents[i] = i;
        }

        DecoderRows = Width;
        return true;
    }

    /// <summary>Takes a step of the search, wherever its tokens are chosen; a row that is over, or fails, gets its result.</summary>
    /// <param name="step">What the step is taken with.</param>
    /// <param name="advance">Takes it; false once the search is over.</param>
    /// <param name="results">Of the batch.</param>
    /// <returns>Whether the search goes on.</returns>
    public bool Settle<TStep>(TStep step, Func<TStep, bool> advance, Span<RowResult> results)
        where TStep : allows ref struct
    {
        try
        {
            Watch?.EndIfAbandoned();
            var goesOn = advance(step);
            Watch?.Show(Generated);
            if (goesOn)
                return true;
            results[Index] = new RowResult(Result(), null);
        }
        catch (TransientException error)
        {
            results[Index] = new RowResult([], error);
        }

        _end?.Of(results[Index]);
        return false;
    }

    /// <summary>The sequences found, best first.</summary>
    public abstract IReadOnlyList<FoundSequence> Result();

    /// <inheritdoc cref="Advance"/>
    protected abstract bool Choose(Span<float> scores, Span<int> next, Span<int> parents);

    /// <summary>The failure of a model that computes no numbers for this row.</summary>
    protected static TransientException NotANumber() => new("the model's scores for this row are not numbers");
}

/// <summary>A sequence that a search found.</summary>
/// <param name="Tokens">The prompt included, padding left out.</param>
/// <param name="Score">See <see cref="GeneratedSequence"/>.</param>
internal sealed record FoundSequence(int[] Tokens, double Score);
