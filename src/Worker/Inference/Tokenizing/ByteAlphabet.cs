using System.Buffers;
using System.Text;

namespace VlWorker.Inference.Tokenizing;

/// <summary>
/// GPT-2's writing of bytes as visible characters: the printable ones of Latin-1 stand for themselves, the other 68 follow from U+0100 on.
/// </summary>
internal static class ByteAlphabet
{
    /// <summary>All characters of the alphabet are below this.</summary>
    public const int End = 256 + 68;

    private static readonly char[] Characters = Build();
    private static readonly short[] Bytes = Invert();

    /// <summary>Appends the UTF-8 bytes of a text without lone surrogates, one character a byte.</summary>
    public static void Write(ReadOnlySpan<char> text, RentedList<char> to)
    {
        var rented = ArrayPool<byte>.Shared.Rent(Encoding.UTF8.GetMaxByteCount(text.Length));
        var bytes = rented.AsSpan(0, Encoding.UTF8.GetBytes(text, rented));
        var characters = to.Extend(bytes.Length);
        for (var i = 0; i < bytes.Length; i++)
            characters[i] = Characters[bytes[i]];
        ArrayPool<byte>.Shared.Return(rented);
    }

    /// <summary>Appends the bytes that a token stands for: its own UTF-8 bytes where it has a character outside the alphabet.</summary>
    public static void Read(ReadOnlySpan<char> token, RentedList<byte> to)
    {
        var start = to.Count;
        var bytes = to.Extend(token.Length);
        for (var i = 0; i < token.Length; i++)
        {
            if (token[i] >= End || Bytes[token[i]] < 0)
            {
                to.Truncate(start);
                Encoding.UTF8.GetBytes(token, to.Extend(Encoding.UTF8.GetByteCount(token)));
                return;
            }

            bytes[i] = (byte)Bytes[token[i]];
        }
    }

    private static char[] Build()
    {
        var characters = new char[256];
        var next = 256;
        for (var value = 0; value < 256; value++)
            characters[value] = (char)(value is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or >= 0xAE ? value : next++);
        return characters;
    }

    private static short[] Invert()
    {
        var bytes = Enumerable.Repeat((short)-1, End).ToArray();
        for (var value = 0; value < 256; value++)
            bytes[Characters[value]] = (short)value;
        return bytes;
    }
}
