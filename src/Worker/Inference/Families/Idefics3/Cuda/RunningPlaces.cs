using VlWorker.Inference.Generation;

namespace VlWorker.Inference.Families.Idefics3.Cuda;

/// <summary>A row of a running batch.</summary>
/// <param name="search">Its search.</param>
internal sealed class RunningRow(SingleRow search)
{
    /// <summary>Its search.</summary>
    public SingleRow Search { get; } = search;

    /// <summary>Tokens of it that are there or on their way.</summary>
    public int Queued { get; set; }

    /// <summary>Whether it has ended: it keeps its place until another row wants that, and nobody looks at it.</summary>
    public bool IsOver { get; set; }

    /// <summary>Whether it needs another step, as far as is known.</summary>
    public bool WantsMore => !IsOver && Queued < Search.Parameters.MaxNewTokens;
}

/// <summary>Which row of a running batch lies in which place, and how many positions of each place are in use.</summary>
/// <param name="places">Places that there are; all are empty.</param>
internal sealed class RunningPlaces(int places)
{
    private readonly int[] _positions = new int[places];
    private RunningRow?[] _rows = new RunningRow?[places];

    /// <summary>Places that steps run over.</summary>
    public int Size { get; private set; }

    /// <summary>Rows that have not ended.</summary>
    public int Open => _rows.Count(IsOpen);

    /// <summary>Whether a row needs another step.</summary>
    public bool WantsMore => Array.Exists(_rows, static row => row is { WantsMore: true });

    /// <summary>The row in each place at this moment: the list does not change when rows move.</summary>
    public IReadOnlyList<RunningRow?> Rows => _rows;

    /// <summary>Whether the next step would run over the end of a place, which only a row can that has ended long ago.</summary>
    public bool Overflow(int capacity) => _positions.AsSpan(0, Size).ContainsAnyInRange(capacity, int.MaxValue);

    /// <summary>Moves the rows into the first places and empties those that have none.</summary>
    /// <param name="limit">Rows in this place and behind move before it; at least as many as are open.</param>
    /// <param name="size">Places that steps run over from now on.</param>
    /// <returns>What the device has to do, in any order.</returns>
    public List<RowMove> Arrange(int limit, int size)
    {
        var (moves, rows, free) = (new List<RowMove>(), _rows.ToArray(), 0);
        for (var place = limit; place < rows.Length; place++)
        {
            if (!IsOpen(rows[place]))
                continue;
            while (IsOpen(rows[free]))
                free++;
            moves.Add(new RowMove(place, free, _positions[place]));
            (rows[free], rows[place]) = (rows[place], null);
            (_positions[free], _positions[place]) = (_positions[place], 0);
        }

        for (var place = 0; place < size; place++)
        {
            if (IsOpen(rows[place]) || _positions[place] == 0)
                continue;
            moves.Add(RowMove.Empty(place));
            (rows[place], _positions[place]) = (null, 0);
        }

        (_rows, Size) = (rows, size);
        return moves;
    }

    /// <summary>Rows whose prompts run have come.</summary>
    /// <param name="added">The rows.</param>
    /// <param name="where">The place of each, in which there was none.</param>
    public void Add(IReadOnlyList<RunningRow> added, int[] where)
    {
        _rows = [.. _rows];
        for (var i = 0; i < where.Length; i++)
            (_rows[where[i]], _positions[where[i]]) = (added[i], added[i].Search.Prompt.Count);
    }

    /// <summary>A step runs.</summary>
    public void Step()
    {
        for (var place = 0; place < Size; place++)
            _positions[place]++;
    }

    private static bool IsOpen(RunningRow? row) => row is { IsOver: false };
}
