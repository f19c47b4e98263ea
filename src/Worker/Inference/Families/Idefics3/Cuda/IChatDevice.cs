namespace VlWorker.Inference.Families.Idefics3.Cuda;

/// <summary>Where a batch's rows generate: places for them, each with a token and with keys and values of those before it.</summary>
/// <remarks>Work is queued and done in order; only <see cref="Wait"/> waits for it.</remarks>
internal interface IChatDevice
{
    /// <summary>Rows at most.</summary>
    int Places { get; }

    /// <summary>Positions of a row at most.</summary>
    int Capacity { get; }

    /// <summary>Places that a step of so many rows runs over, at least as many.</summary>
    int SizeFor(int rows);

    /// <summary>Runs images and prompts, up to each row's first token.</summary>
    /// <param name="rows">The rows.</param>
    /// <param name="first">They go into this place and those behind it, in any order; from 0 on, all other places are emptied.</param>
    /// <param name="cancellation">Looked at between parts.</param>
    /// <returns>Each row's place.</returns>
    int[] Start(IReadOnlyList<ChatRow> rows, int first, CancellationToken cancellation);

    /// <summary>Runs a token of the row in each place below a size, up to the next one.</summary>
    void Step(int size);

    /// <summary>Moves rows into other places, and empties places.</summary>
    void Move(IReadOnlyList<RowMove> moves);

    /// <summary>Sends the newest tokens of some neighbouring places to the host.</summary>
    /// <param name="number">Counts up from one call to the next.</param>
    /// <param name="first">The first place.</param>
    /// <param name="count">Places.</param>
    void Fetch(int number, int first, int count);

    /// <summary>Waits until the tokens of a fetch are there.</summary>
    void Wait(int number, int count);

    /// <summary>A token of a fetch that was waited for, until four later ones are queued.</summary>
    (int Token, float LogProbability) Read(int number, int place);
}

/// <summary>A row that moves, or a place that is emptied: token 0 and nothing before it, as is the place that a row has left.</summary>
/// <param name="From">The row's place; -1 where one is emptied.</param>
/// <param name="To">The place that it moves to, in which no row is, or that is emptied.</param>
/// <param name="Positions">Positions of keys and values that it has.</param>
internal readonly record struct RowMove(int From, int To, int Positions)
{
    /// <summary>Empties a place.</summary>
    public static RowMove Empty(int place) => new(-1, place, 0);
}
