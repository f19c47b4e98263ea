namespace VlWorker.Journal;

/// <summary>The entries of this process's journal in their slots, and which of them its file has yet to get. Guarded by the journal's lock.</summary>
internal sealed class JournalSlots
{
    private readonly JournalEntry?[] _entries = new JournalEntry?[JournalFile.Slots];
    private readonly Stack<int> _free = new(Enumerable.Range(0, JournalFile.Slots).Reverse());
    private readonly List<int> _changed = [];

    /// <summary>All slots; null: it is free.</summary>
    public IReadOnlyList<JournalEntry?> All => _entries;

    /// <summary>What a slot holds that is not free. Who sets it writes the whole file.</summary>
    public JournalEntry this[int slot]
    {
        get => _entries[slot]!.Value;
        set => _entries[slot] = value;
    }

    /// <summary>Takes a free slot; false if there is none.</summary>
    public bool TryTake(out int slot) => _free.TryPop(out slot);

    /// <summary>Fills a slot that was taken; the file gets it with the next changes.</summary>
    public void Put(int slot, JournalEntry entry)
    {
        _entries[slot] = entry;
        _changed.Add(slot);
    }

    /// <summary>Gives a slot back; the file gets it with the next changes.</summary>
    public void Free(int slot)
    {
        _entries[slot] = null;
        _free.Push(slot);
        _changed.Add(slot);
    }

    /// <summary>Writes what changed, at once with what lies between: a system call costs more than some slots that stay as they are.</summary>
    /// <exception cref="IOException">It could not be written.</exception>
    public void WriteChanges(JournalFile file)
    {
        if (_changed.Count == 0)
            return;
        var (first, last) = (_changed.Min(), _changed.Max());
        if (last - first < JournalFile.MostAtOnce)
            file.Write(first, _entries.AsSpan(first, last - first + 1));
        else
            _changed.ForEach(slot => file.Write(slot, _entries.AsSpan(slot, 1)));
    }

    /// <summary>The file has all changes, or there is none.</summary>
    public void ForgetChanges() => _changed.Clear();
}
