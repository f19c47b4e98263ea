using System.Buffers.Binary;
using System.Text;
using System.Text.Unicode;

namespace VlWorker.Journal;

/// <summary>What may kill a process: the native code that an image or a text is in the hands of.</summary>
internal enum WorkStage : byte
{
    /// <summary>None: it is not in work, but was when a process died.</summary>
    None,

    /// <summary>A decoder has it.</summary>
    Decoding,

    /// <summary>It is in a batch that runs.</summary>
    Inference,
}

/// <summary>One message in a journal: 64 bytes.</summary>
/// <param name="Fingerprint">Recognises the message when it comes back.</param>
/// <param name="Id">Its id, cut, for a person who looks at the file.</param>
/// <param name="Stage">What is done with it.</param>
/// <param name="Deaths">Processes that died while it was alone in work.</param>
/// <param name="Opening">The journal's count of openings when it was written: what is very old is forgotten, whatever clocks say.</param>
/// <param name="Returns">Whether the broker brings it back after a crash; what came over HTTP is in work too, and never returns.</param>
internal readonly record struct JournalEntry(UInt128 Fingerprint, string Id, WorkStage Stage, int Deaths, uint Opening, bool Returns)
{
    /// <summary>Size of an entry in the file.</summary>
    public const int Bytes = 64;

    private const int IdAt = 24;
    private const byte Used = 1;

    /// <summary>Writes it; <paramref name="slot"/> has <see cref="Bytes"/> bytes.</summary>
    public void Write(Span<byte> slot)
    {
        slot.Clear();
        (slot[0], slot[1], slot[2], slot[3]) = (Used, (byte)Stage, (byte)Math.Min(Deaths, byte.MaxValue), Returns ? (byte)1 : (byte)0);
        BinaryPrimitives.WriteUInt32LittleEndian(slot[4..], Opening);
        BinaryPrimitives.WriteUInt128LittleEndian(slot[8..], Fingerprint);
        Utf8.FromUtf16(Id, slot[IdAt..], out _, out _);
    }

    /// <summary>Reads it; null where the slot is free, or holds what no worker wrote.</summary>
    public static JournalEntry? Read(ReadOnlySpan<byte> slot)
    {
        if (slot[0] != Used || slot[1] > (byte)WorkStage.Inference)
            return null;
        var id = slot[IdAt..];
        var end = id.IndexOf((byte)0);
        return new JournalEntry(
            BinaryPrimitives.ReadUInt128LittleEndian(slot[8..]),
            Encoding.UTF8.GetString(end < 0 ? id : id[..end]),
            (WorkStage)slot[1],
            slot[2],
            BinaryPrimitives.ReadUInt32LittleEndian(slot[4..]),
            slot[3] != 0);
    }
}
