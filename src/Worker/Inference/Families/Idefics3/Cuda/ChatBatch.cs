namespace VlWorker.Inference.Families.Idefics3.Cuda;

/// <summary>
/// The prompts of a batch in their places on the GPU: the longest first, so that neighbours, which run together, are padded little. Features lie there
/// in the order of the rows.
/// </summary>
internal sealed class ChatBatch
{
    // Padding: a token that is never looked at, and no feature.
    private const int NoToken = 0;
    private const int NoFeature = -1;

    private readonly IReadOnlyList<int>[] _prompts;
    private readonly long[] _features;
    private readonly int _imageToken;

    /// <param name="prompts">The rows' prompts.</param>
    /// <param name="imageToken">The token in whose places features go.</param>
    public ChatBatch(IReadOnlyList<IReadOnlyList<int>> prompts, int imageToken)
    {
        _imageToken = imageToken;
        var first = new long[prompts.Count + 1];
        for (var row = 0; row < prompts.Count; row++)
            first[row + 1] = first[row] + prompts[row].Count(token => token == imageToken);
        Features = first[^1];
        int[] order = [.. Enumerable.Range(0, prompts.Count).OrderByDescending(row => prompts[row].Count)];
        Places = new int[order.Length];
        for (var place = 0; place < order.Length; place++)
            Places[order[place]] = place;
        _prompts = [.. order.Select(row => prompts[row])];
        _features = [.. order.Select(row => first[row])];
    }

    /// <summary>Rows.</summary>
    public int Count => _prompts.Length;

    /// <summary>The place of each row.</summary>
    public int[] Places { get; }

    /// <summary>Features of all rows.</summary>
    public long Features { get; }

    /// <summary>Tokens of the prompt in a place.</summary>
    public int Length(int place) => _prompts[place].Count;

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
            var (prompt, feature) = (_prompts[start + i], _features[start + i]);
            for (var position = 0; position < length; position++)
            {
                var token = position < prompt.Count ? prompt[position] : NoToken;
                ids[(i * length) + position] = token;
                features[(i * length) + position] = position < prompt.Count && token == _imageToken ? feature++ : NoFeature;
            }
        }
    }
}
