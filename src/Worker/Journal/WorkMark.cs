namespace VlWorker.Journal;

/// <summary>One message, text or HTTP request on its way: says in the journal when native code has it. Its message may do several tasks at once.</summary>
/// <param name="journal">The journal.</param>
/// <param name="fingerprint">Recognises the message.</param>
/// <param name="id">Its id.</param>
/// <param name="returns">Whether the broker brings it back after a crash.</param>
/// <param name="solo">Whether it works alone, as a suspect.</param>
/// <param name="deaths">Processes that died while it was alone in work.</param>
internal sealed class WorkMark(CrashJournal journal, UInt128 fingerprint, string id, bool returns, bool solo = false, int deaths = 0)
{
    /// <summary>Recognises the message.</summary>
    public UInt128 Fingerprint { get; } = fingerprint;

    /// <summary>Its id.</summary>
    public string Id { get; } = id;

    /// <summary>Whether the broker brings it back after a crash.</summary>
    public bool Returns { get; } = returns;

    /// <summary>Whether it works alone: it may have killed a process.</summary>
    public bool Solo { get; } = solo;

    /// <summary>Processes that died while it was alone in work.</summary>
    public int Deaths { get; } = deaths;

    /// <summary>Who works with others, and who alone.</summary>
    public SoloGate Gate => journal.Gate;

    /// <summary>The slot in the journal; guarded by the journal, as is <see cref="Begun"/>.</summary>
    public int Slot { get; set; } = -1;

    /// <summary>Works that were begun and have not ended.</summary>
    public int Begun { get; set; }

    /// <summary>Where it is written down.</summary>
    public CrashJournal Journal => journal;

    /// <summary>Native code is about to get it.</summary>
    public void Begin(WorkStage stage) => journal.Begin([this], stage);

    /// <summary>Native code has given it back.</summary>
    public void End() => journal.End([this]);
}

/// <summary>A turn at the <see cref="SoloGate"/>: with others, or alone. Disposing of it gives it back.</summary>
/// <param name="mark">Whose turn.</param>
internal sealed class WorkTurn(WorkMark mark) : IDisposable
{
    private bool _entered;

    /// <summary>Whose turn it is.</summary>
    public WorkMark Mark { get; } = mark;

    /// <summary>Waits for it, once.</summary>
    public async Task EnterAsync(CancellationToken cancellation)
    {
        await Mark.Gate.EnterAsync(Mark.Solo, Mark.Deaths, cancellation);
        _entered = true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_entered)
            Mark.Gate.Leave(Mark.Solo);
        _entered = false;
    }
}
