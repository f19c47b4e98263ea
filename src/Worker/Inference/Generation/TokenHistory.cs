namespace VlWorker.Inference.Generation;

/// <summary>The tokens of a batch so far, for a decoder without a cache: every step runs all of them again.</summary>
internal sealed class TokenHistory
{
    private List<int>[] _rows = [];

    /// <summary>The rows' tokens.</summary>
    public PromptBatch All => new(_rows);

    /// <summary>Starts over with the first tokens of prompts.</summary>
    /// <param name="prompts">The prompts.</param>
    /// <param name="length">Tokens of each, at most.</param>
    public void Start(PromptBatch prompts, int length) =>
        _rows = [.. Enumerable.Range(0, prompts.Count).Select(row => prompts[row].Take(length).ToList())];

    /// <summary>Adds a token to each row.</summary>
    public void Append(ReadOnlySpan<int> tokens)
    {
        for (var row = 0; row < tokens.Length; row++)
            _rows[row].Add(tokens[row]);
    }

    /// <summary>Takes over rows: new row i is old row parents[i].</summary>
    public void Arrange(ReadOnlySpan<int> parents)
    {
        var rows = new List<int>[parents.Length];
        for (var row = 0; row < rows.Length; row++)
            rows[row] = [.. _rows[parents[row]]];
        _rows = rows;
    }
}
