namespace VlWorker.Inference.Families.Idefics3.Cuda;

/// <summary>
/// The prompts of a batch in their places on the GPU: the longest first, so that neighbours, which run together, are padded little.
/// </summary>
internal sealed class ChatBatch
{
    // Padding, and what stands below a feature: a token that is never looked at, and no feature.
    private const int NoToken = 0;
    private const int NoFeature = -1;

    private readonly int[][] _prompts;

    /// <param name="rows">The rows' prompts: tokens, and complements of features' places.</param>
    /// <param name="features">Features of all images.</param>
    public ChatBatch(IReadOnlyList<int[]> rows, int features)
    {
        Features = features;
        int[] order = [.. Enumerable.Range(0, rows.Count).OrderByDescending(row => rows[row].Length)];
        Places = new int[order.Length];
        for (var place = 0; place < order.Length; place++)
            Places[order[place]] = place;
        _prompts = [.. order.Select(row => rows[row])];
    }

    /// <summary>Rows.</summary>
    public int Count => _prompts.Length;

    /// <summary>The place of each row.</summary>
    public int[] Places { get; }

    /// <summary>Features of all images.</summary>
    public int Features { get; }

    /// <summary>Tokens of the prompt in a place.</summary>
    public int Length(int place) => _prompts[place].Length;

    /// <summary>Neighbours that run together.</summary>
    /// <param name="tokens">Tokens of a run at most, padding included, unless one row has more.</param>
    public IEnumerable<(int Start, int Count)> Runs(int tokens)
    {
        for (var start = 0; start < Count;)
        {
            var count = Math.Clamp(tokens / Length(start), 1, Count - start);
            yield return (start, count);
            start += count;
        }
    }

    /// <summary>Writes neighbouring prompts as [count, tokens of the first], shorter ones padded on the right.</summary>
    /// <param name="start">The first place.</param>
    /// <param name="count">Places.</param>
    /// <param name="ids">Receives the tokens.</param>
    /// <param name="features">Receives, for each, the feature that takes its place, or -1.</param>
    public void Write(int start, int count, Span<long> ids, Span<long> features)
    {
        var length = Length(start);
        for (var i = 0; i < count; i++)
        {
            var prompt = _prompts[start + i];
            for (var position = 0; position < length; position++)
            {
                var input = position < prompt.Length ? prompt[position] : NoToken;
                ids[(i * length) + position] = input < 0 ? NoToken : input;
                features[(i * length) + position] = input < 0 ? ~input : NoFeature;
            }
        }
    }
}
