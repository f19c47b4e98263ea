using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;

namespace VlWorker.Fuzzing;

/// <summary>Damages bytes in the ways that files are damaged, and that attackers try. The same seed gives the same inputs.</summary>
internal sealed class Mutator(int seed)
{
    private const int MostMutations = 6;
    private const int LongestPiece = 64;

    private static readonly long[] Edges =
    [
        0, 1, -1, 2, 4, 7, 8, 127, 128, 255, 256, 4096, short.MaxValue, ushort.MaxValue, int.MaxValue, int.MinValue, uint.MaxValue,
        1L << 31, 1L << 33, 1L << 40, 1L << 62, long.MaxValue, long.MinValue,
    ];

    private readonly Random _random = new(seed);

    /// <summary>Takes one of the originals and damages it; one in sixteen comes as it is.</summary>
    public byte[] Next(IReadOnlyList<byte[]> originals)
    {
        var bytes = new List<byte>(originals[_random.Next(originals.Count)]);
        var mutations = _random.Next(16) == 0 ? 0 : 1 + _random.Next(MostMutations);
        for (var i = 0; i < mutations; i++)
            Mutate(bytes, originals);
        return [.. bytes];
    }

    private void Mutate(List<byte> bytes, IReadOnlyList<byte[]> originals)
    {
        var at = Position(bytes);
        switch (_random.Next(10))
        {
            case 0 when bytes.Count > 0: bytes[Math.Min(at, bytes.Count - 1)] ^= (byte)(1 << _random.Next(8)); break;
            case 1 when bytes.Count > 0: bytes[Math.Min(at, bytes.Count - 1)] = (byte)Edge(); break;
            case 2: Overwrite(bytes, at, Number(_random.Next(2) == 0 ? sizeof(int) : sizeof(long))); break;
            case 3: Overwrite(bytes, at, Varint((ulong)Edge())); break;
            case 4: bytes.InsertRange(at, Varint((ulong)Edge())); break;
            case 5: bytes.RemoveRange(at, Math.Min(bytes.Count - at, 1 + _random.Next(LongestPiece))); break;
            case 6: bytes.RemoveRange(at, bytes.Count - at); break;
            case 7: bytes.InsertRange(at, Piece(CollectionsMarshal.AsSpan(bytes))); break;
            case 8: Overwrite(bytes, at, Piece(originals[_random.Next(originals.Count)])); break;
            default: ReplaceDigits(bytes, at); break;
        }
    }

    /// <summary>Anywhere, but half of the time near the beginning, where headers are.</summary>
    private int Position(List<byte> bytes) => _random.Next((_random.Next(2) == 0 ? Math.Min(bytes.Count, 512) : bytes.Count) + 1);

    private long Edge() => Edges[_random.Next(Edges.Length)];

    private byte[] Number(int size)
    {
        var number = new byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(number, Edge());
        return number[..size];
    }

    private byte[] Piece(ReadOnlySpan<byte> bytes)
    {
        var at = _random.Next(bytes.Length + 1);
        return bytes.Slice(at, Math.Min(bytes.Length - at, 1 + _random.Next(LongestPiece))).ToArray();
    }

    /// <summary>Puts another number in place of one that is written in digits, if there is one near.</summary>
    private void ReplaceDigits(List<byte> bytes, int from)
    {
        var begin = bytes.FindIndex(from, Math.Min(LongestPiece, bytes.Count - from), static value => char.IsAsciiDigit((char)value));
        if (begin < 0)
            return;
        var end = bytes.FindIndex(begin, static value => !char.IsAsciiDigit((char)value));
        bytes.RemoveRange(begin, (end < 0 ? bytes.Count : end) - begin);
        bytes.InsertRange(begin, Edge().ToString(CultureInfo.InvariantCulture).Select(static digit => (byte)digit));
    }

    private static void Overwrite(List<byte> bytes, int at, IReadOnlyList<byte> with)
    {
        for (var i = 0; i < with.Count && at + i < bytes.Count; i++)
            bytes[at + i] = with[i];
    }

    private static List<byte> Varint(ulong value)
    {
        var bytes = new List<byte>();
        for (; value >= 0x80; value >>= 7)
            bytes.Add((byte)(value | 0x80));
        bytes.Add((byte)value);
        return bytes;
    }
}
