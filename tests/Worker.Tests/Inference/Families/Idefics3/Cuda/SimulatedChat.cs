using VlWorker.Inference.Families.Idefics3;
using VlWorker.Inference.Families.Idefics3.Cuda;

namespace VlWorker.Worker.Tests.Inference.Families.Idefics3.Cuda;

/// <summary>
/// A device in whose places rows generate, without a model: a row's next token depends on all tokens before it and on nothing else. What would
/// harm a real device fails here.
/// </summary>
/// <param name="places">Rows at most.</param>
/// <param name="capacity">Positions of a row at most.</param>
/// <param name="sizes">Sizes that steps are padded to, ascending; the last is <paramref name="places"/>.</param>
internal sealed class SimulatedChat(int places, int capacity, int[] sizes) : IChatDevice
{
    private const int Vocabulary = 50;
    private const int Slots = 4;

    // Of each place the tokens whose keys and values are in it, and the newest one.
    private readonly List<int>[] _cache = [.. Enumerable.Range(0, places).Select(static _ => new List<int>())];
    private readonly int[] _newest = new int[places];
    private readonly Dictionary<int, (int Number, int[] Tokens, bool There)> _slots = [];

    /// <inheritdoc/>
    public int Places => places;

    /// <inheritdoc/>
    public int Capacity => capacity;

    /// <summary>The size of each step.</summary>
    public List<int> Steps { get; } = [];

    /// <summary>Rows whose prompts ran, of each run.</summary>
    public List<int> Starts { get; } = [];

    /// <summary>The token after some others, 0 to 49.</summary>
    public static int Next(IReadOnlyList<int> tokens) =>
        (int)((tokens.Aggregate(17UL, static (hash, token) => (hash * 1_000_003) + (ulong)token) >> 7) % Vocabulary);

    /// <inheritdoc/>
    public int SizeFor(int rows) => sizes.First(size => size >= rows);

    /// <inheritdoc/>
    public int[] Start(IReadOnlyList<ChatRow> rows, int first, CancellationToken cancellation)
    {
        if (first == 0)
            Empty(Enumerable.Range(0, places));
        Starts.Add(rows.Count);
        for (var row = 0; row < rows.Count; row++)
        {
            var place = first + rows.Count - 1 - row;
            _cache[place] = [.. rows[row].Request.Prompt];
            _newest[place] = Next(_cache[place]);
        }

        return [.. Enumerable.Range(0, rows.Count).Select(row => first + rows.Count - 1 - row)];
    }

    /// <inheritdoc/>
    public void Step(int size)
    {
        Steps.Add(size);
        for (var place = 0; place < size; place++)
        {
            Assert.True(_cache[place].Count < capacity, "a step would write behind its row's end");
            _cache[place].Add(_newest[place]);
            _newest[place] = Next(_cache[place]);
        }
    }

    /// <inheritdoc/>
    public void Move(IReadOnlyList<RowMove> moves)
    {
        var touched = moves.SelectMany(static move => (int[])(move.From < 0 ? [move.To] : [move.From, move.To])).ToList();
        Assert.Equal(touched.Count, touched.Distinct().Count());
        foreach (var (from, to, positions) in moves)
        {
            if (from >= 0)
            {
                Assert.Equal(_cache[from].Count, positions);
                (_cache[to], _newest[to]) = ([.. _cache[from]], _newest[from]);
            }

            Empty([from < 0 ? to : from]);
        }
    }

    /// <inheritdoc/>
    public void Fetch(int number, int first, int count)
    {
        var tokens = new int[places];
        Array.Fill(tokens, -1);
        Array.Copy(_newest, first, tokens, first, count);
        _slots[number % Slots] = (number, tokens, false);
    }

    /// <inheritdoc/>
    public void Wait(int number, int count) => _slots[number % Slots] = _slots[number % Slots] with { There = true };

    /// <inheritdoc/>
    public (int Token, float LogProbability) Read(int number, int place)
    {
        var (held, tokens, there) = _slots[number % Slots];
        Assert.True(there && held == number && tokens[place] >= 0, "it was not fetched, or not waited for");
        return (tokens[place], -0.5f);
    }

    private void Empty(IEnumerable<int> emptied)
    {
        foreach (var place in emptied)
            (_cache[place], _newest[place]) = ([], 0);
    }
}
