namespace VlWorker.Inference.Generation;

/// <summary>The prompts of a batch, one for each row. They may differ, in length too.</summary>
internal sealed class PromptBatch
{
    private readonly IReadOnlyList<int>[] _rows;

    /// <summary>Takes the prompts.</summary>
    /// <param name="rows">One a row, each of one token or more.</param>
    public PromptBatch(params IReadOnlyList<int>[] rows)
    {
        (_rows, Shortest) = (rows, int.MaxValue);
        foreach (var row in rows)
            (Shortest, Longest) = (Math.Min(Shortest, row.Count), Math.Max(Longest, row.Count));
        ArgumentOutOfRangeException.ThrowIfZero(Shortest);
    }

    /// <summary>Rows.</summary>
    public int Count => _rows.Length;

    /// <summary>Tokens of the shortest prompt.</summary>
    public int Shortest { get; }

    /// <summary>Tokens of the longest prompt.</summary>
    public int Longest { get; }

    /// <summary>A row's prompt.</summary>
    public IReadOnlyList<int> this[int row] => _rows[row];

    /// <summary>The same prompt for all rows.</summary>
    public static PromptBatch Same(IReadOnlyList<int> prompt, int rows)
    {
        var all = new IReadOnlyList<int>[rows];
        Array.Fill(all, prompt);
        return new PromptBatch(all);
    }
}
