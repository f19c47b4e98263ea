namespace VlWorker.Journal;

/// <summary>What this process has in its native code at this moment, where the next one finds it; and what earlier ones were doing when they died.</summary>
/// <remarks>
/// <code>
/// start: take a file that no living process has, and what the dead left in all of them -> suspects
/// work:  Begin (written before native code gets the message) ... End
/// death: the file stays as it was; the next start, or another worker of the same folder, finds it
/// </code>
/// The journal never fails a message: where it can't be written, work goes on without it, which is logged and measured, and it is tried again.
/// </remarks>
internal sealed class CrashJournal(JournalOptions options, TimeProvider time, ILogger<CrashJournal> logger) : IDisposable
{
    /// <summary>Openings after which a suspect that never came back is forgotten.</summary>
    private const uint ForgetAfter = 64;

    /// <summary>Suspects at most: slots must be left for what is in work.</summary>
    private const int MostSuspects = JournalFile.Slots / 2;

    private static readonly TimeSpan RetryAfter = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(100);

    private readonly Lock _gate = new();
    private readonly JournalSlots _slots = new();
    private readonly Dictionary<UInt128, int> _suspects = [];
    private readonly JournalFolder _folder = new(options.EffectiveFolder());
    private JournalFile? _file;
    private string? _problem;
    private bool _stopping;
    private long _tried;
    private long _looked;

    /// <summary>Who works with others, and who alone.</summary>
    public SoloGate Gate { get; } = new();

    /// <summary>Whether deaths are looked into at all.</summary>
    public bool IsOn { get; } = options.Deaths > 0;

    /// <summary>Whether what is in work is written down at this moment.</summary>
    public bool IsWritten
    {
        get
        {
            lock (_gate)
                return _file is not null;
        }
    }

    /// <summary>Messages that work alone when they come.</summary>
    public int Suspects
    {
        get
        {
            lock (_gate)
                return _suspects.Count;
        }
    }

    /// <summary>Takes a file, and what dead processes left.</summary>
    public void Open()
    {
        if (!IsOn)
            return;
        lock (_gate)
            TryOpen();
    }

    /// <summary>The mark of work that nobody delivers again: an HTTP request.</summary>
    public WorkMark OfNobody(string? id) => new(this, 0, id ?? "", returns: false);

    /// <summary>How many processes died while the message was alone in work; null if it is no suspect.</summary>
    /// <param name="fingerprint">The message.</param>
    /// <param name="returned">Whether the broker has delivered it before: then somebody may have died just now.</param>
    public int? DeathsOf(UInt128 fingerprint, bool returned)
    {
        lock (_gate)
        {
            if (returned && _file is not null && time.GetElapsedTime(_looked) >= LookAgain)
                TakeFromTheDead();
            return _suspects.TryGetValue(fingerprint, out var slot) ? _slots[slot].Deaths : null;
        }
    }

    /// <summary>The message has got what it asked for, a rejection or a dead letter: it killed nobody, or is put away.</summary>
    public void Forget(UInt128 fingerprint)
    {
        lock (_gate)
        {
            if (_suspects.Remove(fingerprint, out var slot))
                _slots.Free(slot);
            WriteChanges();
        }
    }

    /// <summary>Native code is about to get these. A message that it has already stays as it is written.</summary>
    public void Begin(ReadOnlySpan<WorkMark> marks, WorkStage stage)
    {
        if (!IsOn)
            return;
        lock (_gate)
        {
            foreach (var mark in marks)
            {
                if (mark.Begun++ > 0 || !_slots.TryTake(out var slot))
                    continue;
                if (_file is null && !_stopping && time.GetElapsedTime(_tried) >= RetryAfter)
                    TryOpen();
                mark.Slot = slot;
                _slots.Put(slot, new JournalEntry(mark.Fingerprint, mark.Id, stage, mark.Deaths, _file?.Opening ?? 0, mark.Returns));
            }

            WriteChanges();
        }
    }

    /// <summary>Native code has given these back.</summary>
    public void End(ReadOnlySpan<WorkMark> marks)
    {
        if (!IsOn)
            return;
        lock (_gate)
        {
            foreach (var mark in marks)
            {
                if (--mark.Begun > 0 || mark.Slot < 0)
                    continue;
                _slots.Free(mark.Slot);
                mark.Slot = -1;
            }

            WriteChanges();
        }
    }

    /// <summary>The process has been told to end: whoever is in work when it does is not to blame, even if it is killed in the end.</summary>
    public void Stop()
    {
        lock (_gate)
        {
            _stopping = true;
            Try(static file => file.WriteStopping());
        }
    }

    /// <summary>Lets go of the file. What is not in work any more is not in it; suspects that have not come back stay in it.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _stopping = true;
            _file?.Dispose();
            _file = null;
        }
    }

    private void TryOpen()
    {
        _tried = time.GetTimestamp();
        try
        {
            _file = _folder.TakeFile();
            Take(_file.ReadSuspects(JournalFolder.Boot));
            _file.Write(JournalFolder.Boot, _slots.All);
            if (_problem is not null)
                Log.JournalBack(logger, options.EffectiveFolder());
            _problem = null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            GiveUp(error);
        }

        TakeFromTheDead();
    }

    private void TakeFromTheDead() => Try(own =>
    {
        _looked = time.GetTimestamp();
        foreach (var dead in _folder.TakeDead())
        {
            using (dead)
            {
                var found = dead.ReadSuspects(JournalFolder.Boot);
                if (found.Count == 0)
                    continue;

                // First here, then not there any more: a death in between finds them twice, which does no harm.
                Take([.. found.Select(entry => entry with { Opening = own.Opening })]);
                own.Rewrite(JournalFolder.Boot, _slots.All);
                dead.Empty();
            }
        }
    });

    private void Take(IReadOnlyList<JournalEntry> found)
    {
        if (found.Count > 0)
            Log.SuspectsFound(logger, found.Count, string.Join(", ", found.Take(5).Select(entry => entry.Id)));
        foreach (var entry in found.OrderByDescending(entry => entry.Deaths).ThenByDescending(entry => entry.Opening))
        {
            if (_suspects.TryGetValue(entry.Fingerprint, out var known))
                _slots[known] = entry with { Deaths = Math.Max(entry.Deaths, _slots[known].Deaths) };
            else if (_file!.Opening - entry.Opening <= ForgetAfter && _suspects.Count < MostSuspects && _slots.TryTake(out var slot))
                (_suspects[entry.Fingerprint], _slots[slot]) = (slot, entry);
        }
    }

    /// <summary>What no file gets now is in the one that is taken next, which is written as a whole.</summary>
    private void WriteChanges()
    {
        Try(_slots.WriteChanges);
        _slots.ForgetChanges();
    }

    private void Try(Action<JournalFile> write)
    {
        if (_file is not { } file)
            return;
        try
        {
            write(file);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            GiveUp(error);
        }
    }

    /// <summary>A journal that misses entries would blame the wrong ones: it is emptied, and work goes on without.</summary>
    private void GiveUp(Exception error)
    {
        if (_problem != error.Message)
            Log.JournalFailed(logger, options.EffectiveFolder(), error.Message);
        _problem = error.Message;
        _tried = time.GetTimestamp();
        using var file = _file;
        _file = null;
        try
        {
            file?.Empty();
        }
        catch (IOException)
        {
            // Nothing more can be done; it had been written in full when it was taken.
        }
    }
}
