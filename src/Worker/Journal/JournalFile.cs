using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;

namespace VlWorker.Journal;

/// <summary>A journal as a file: a header and <see cref="Slots"/> entries in fixed places, locked by the process that writes it.</summary>
/// <remarks>
/// The lock goes with the process, whatever ends it, and what was written stays in the system's page cache: a death of the process loses
/// nothing, and nothing waits for a disk. The whole file is written when it is taken, so that no later write needs room. Files are emptied and
/// used again, never deleted: a process that has just opened one would be left with a file that nobody finds.
/// </remarks>
internal sealed class JournalFile : IDisposable
{
    /// <summary>Entries of a file.</summary>
    public const int Slots = 4096;

    /// <summary>Entries that are written at once at most: 16 KiB of the thread's stack.</summary>
    public const int MostAtOnce = 256;

    private const int HeaderBytes = JournalEntry.Bytes;
    private const int FileBytes = HeaderBytes + (Slots * JournalEntry.Bytes);
    private const ulong Magic = 0x314c4e524a4c56; // "VLJRNL1"
    private const int StoppingAt = 28;

    // EWOULDBLOCK of Linux and of macOS, Windows' sharing violation.
    private static readonly int[] LockedCodes = [11, 35, 32];

    private readonly SafeFileHandle _handle;

    private JournalFile(SafeFileHandle handle) => _handle = handle;

    /// <summary>How often the file has been taken, this time included.</summary>
    public uint Opening { get; private set; }

    /// <summary>Opens and locks a file, and makes it if there is none.</summary>
    /// <returns>Null if another process has it.</returns>
    /// <exception cref="IOException">It can't be opened.</exception>
    /// <exception cref="UnauthorizedAccessException">It must not be opened.</exception>
    public static JournalFile? TryOpen(string path)
    {
        try
        {
            return new JournalFile(File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (IOException error) when (LockedCodes.Contains(error.HResult & 0xFFFF))
        {
            return null;
        }
    }

    /// <summary>What the process before left behind; empty if it closed its journal in order, was stopping, or never wrote one.</summary>
    /// <param name="boot">This start of this machine. Elsewhere, or before, a machine may have gone down with the process: nobody is counted as alone then.</param>
    /// <exception cref="IOException">It can't be read.</exception>
    public IReadOnlyList<JournalEntry> ReadSuspects(Guid boot)
    {
        // The others' files are looked into up to ten times a second, and are empty once somebody has taken over what the dead left in them.
        var size = (int)Math.Min(RandomAccess.GetLength(_handle), FileBytes);
        if (size < HeaderBytes)
            return [];
        var bytes = new byte[size];
        var length = RandomAccess.Read(_handle, bytes, 0);
        if (length < HeaderBytes || BinaryPrimitives.ReadUInt64LittleEndian(bytes) != Magic)
            return [];
        Opening = BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(24));
        var entries = new List<JournalEntry>();
        for (var at = HeaderBytes; at + JournalEntry.Bytes <= length; at += JournalEntry.Bytes)
        {
            if (JournalEntry.Read(bytes.AsSpan(at, JournalEntry.Bytes)) is { } entry)
                entries.Add(entry);
        }

        var counts = bytes[StoppingAt] == 0 && new Guid(bytes.AsSpan(8, 16)) == boot;
        return Suspects(entries, counts, stopping: bytes[StoppingAt] != 0);
    }

    /// <summary>Makes the file this process's journal.</summary>
    /// <inheritdoc cref="Rewrite"/>
    public void Write(Guid boot, IReadOnlyList<JournalEntry?> entries)
    {
        Opening++;
        Rewrite(boot, entries);
    }

    /// <summary>Writes all of it.</summary>
    /// <param name="boot">This start of this machine.</param>
    /// <param name="entries">Its entries, in their slots.</param>
    /// <exception cref="IOException">There is no room for it.</exception>
    public void Rewrite(Guid boot, IReadOnlyList<JournalEntry?> entries)
    {
        var bytes = new byte[FileBytes];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, Magic);
        boot.TryWriteBytes(bytes.AsSpan(8));
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(24), Opening);
        for (var i = 0; i < entries.Count; i++)
            entries[i]?.Write(bytes.AsSpan(HeaderBytes + (i * JournalEntry.Bytes), JournalEntry.Bytes));
        RandomAccess.Write(_handle, bytes, 0);
    }

    /// <summary>
    /// Writes entries of slots that follow each other, or frees the slots. No entry reaches across a page, as the header is as long as an entry: a
    /// death finds each of them old or new, never half of both.
    /// </summary>
    /// <param name="first">The slot of the first.</param>
    /// <param name="entries">One to <see cref="MostAtOnce"/>; null: the slot is free.</param>
    /// <exception cref="IOException">They could not be written.</exception>
    public void Write(int first, ReadOnlySpan<JournalEntry?> entries)
    {
        Span<byte> bytes = stackalloc byte[entries.Length * JournalEntry.Bytes];
        bytes.Clear();
        for (var i = 0; i < entries.Length; i++)
            entries[i]?.Write(bytes[(i * JournalEntry.Bytes)..][..JournalEntry.Bytes]);
        RandomAccess.Write(_handle, bytes, HeaderBytes + ((long)first * JournalEntry.Bytes));
    }

    /// <summary>From here on a death says nothing about what is in work: the process was told to end.</summary>
    /// <exception cref="IOException">It could not be written.</exception>
    public void WriteStopping() => RandomAccess.Write(_handle, [1], StoppingAt);

    /// <summary>Empties the file; this takes no room.</summary>
    /// <exception cref="IOException">It could not be emptied.</exception>
    public void Empty() => RandomAccess.SetLength(_handle, 0);

    /// <summary>Closes the file and lets go of its lock.</summary>
    public void Dispose() => _handle.Dispose();

    private static List<JournalEntry> Suspects(List<JournalEntry> entries, bool counts, bool stopping)
    {
        var alone = entries.Count(entry => entry.Stage != WorkStage.None) == 1;
        return
        [
            .. entries.Where(entry => entry.Returns && (entry.Stage == WorkStage.None || !stopping)).GroupBy(entry => entry.Fingerprint).Select(same =>
            {
                var worked = same.FirstOrDefault(entry => entry.Stage != WorkStage.None, same.First());
                return worked with { Stage = WorkStage.None, Deaths = same.Max(entry => entry.Deaths) + (counts && alone && worked.Stage != WorkStage.None ? 1 : 0) };
            }),
        ];
    }
}
