namespace VlWorker.Inference.Generation;

/// <summary>How a prompt begins like that of an earlier row. Keys and values of what they have in common are the same, and are computed once.</summary>
/// <param name="Row">The earlier row.</param>
/// <param name="Tokens">Tokens in common; fewer than the prompt has, for its last one gives the first logits. 0: nothing worth sharing.</param>
internal readonly record struct SharedPrefix(int Row, int Tokens)
{
    // What is left of a prompt runs alone, and rows that run together share the weights: less in common costs more than it saves.
    private const int Fewest = 32;

    /// <summary>For each prompt the earlier one that it has most in common with.</summary>
    /// <param name="prompts">What stands at each position: equal numbers mean equal input.</param>
    public static SharedPrefix[] Find(IReadOnlyList<int[]> prompts)
    {
        var found = new SharedPrefix[prompts.Count];
        for (var row = 1; row < found.Length; row++)
        {
            for (var earlier = 0; earlier < row; earlier++)
            {
                var tokens = Math.Min(prompts[row].AsSpan().CommonPrefixLength(prompts[earlier]), prompts[row].Length - 1);
                if (tokens >= Fewest && tokens > found[row].Tokens)
                    found[row] = new SharedPrefix(earlier, tokens);
            }
        }

        return found;
    }
}
