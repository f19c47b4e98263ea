namespace VlWorker.Bench.Joining;

/// <summary>How many tokens answers have.</summary>
/// <param name="Name">For the tables.</param>
/// <param name="Draw">Draws one.</param>
internal sealed record AnswerLengths(string Name, Func<Random, int> Draw)
{
    private const double Mean = 40;
    private const int Most = 200;

    /// <summary>Made up: most answers are short, few are long.</summary>
    public static AnswerLengths Spread { get; } = new(
        $"geometric, mean {Mean}, at most {Most}",
        static random => Math.Min(Most, 1 + (int)(Math.Log(1 - random.NextDouble()) / Math.Log(1 - (1 / Mean)))));

    /// <summary>Made up: all alike.</summary>
    public static AnswerLengths Alike { get; } = new($"all {Mean}", static _ => (int)Mean);

    /// <summary>As often as they were seen.</summary>
    public static AnswerLengths Seen(IReadOnlyList<int> lengths) =>
        new($"{lengths.Min()} to {lengths.Max()}, as of the samples", random => lengths[random.Next(lengths.Count)]);

    /// <summary>Draws many; the same seed gives the same.</summary>
    public int[] Make(int count, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => Draw(random))];
    }
}
