using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace VlWorker.Inference.Tokenizing.Normalizers;

/// <summary>
/// SentencePiece's "precompiled_charsmap": replaces characters by a table that was made when the model was trained. The table is a double
/// array trie over UTF-8, whose values are places in a list of replacements that end in a zero byte.
/// </summary>
internal sealed class CharacterMap : TextNormalizer
{
    // Longer clusters of characters are looked up character by character, as Hugging Face's library does it.
    private const int LongestCluster = 5; // bytes

    private readonly uint[] _trie;
    private readonly byte[] _replacements;

    private CharacterMap(uint[] trie, byte[] replacements) => (_trie, _replacements) = (trie, replacements);

    /// <summary>Reads a table: base64 of the trie's size in bytes (32 bits, little-endian), the trie, and the replacements.</summary>
    /// <exception cref="InvalidDataException">It is damaged.</exception>
    public static TextNormalizer Read(TokenizerJson json)
    {
        var text = json.Text();
        var table = new byte[text.Length];
        if (!Convert.TryFromBase64String(text, table, out var length))
            throw json.Malformed("is no base64");
        if (length == 0)
            return new NormalizerSequence([]);
        var size = length < sizeof(uint) ? uint.MaxValue : BinaryPrimitives.ReadUInt32LittleEndian(table);
        if (size == 0 || size % sizeof(uint) != 0 || size > length - sizeof(uint))
            throw json.Malformed("is cut off or damaged");
        var trie = new uint[size / sizeof(uint)];
        for (var i = 0; i < trie.Length; i++)
            trie[i] = BinaryPrimitives.ReadUInt32LittleEndian(table.AsSpan((i + 1) * sizeof(uint)));
        return new CharacterMap(trie, table[(sizeof(uint) + (int)size)..length]);
    }

    /// <inheritdoc/>
    public override string Normalize(string text)
    {
        var result = new StringBuilder(text.Length);
        Span<byte> utf8 = stackalloc byte[4];
        for (var rest = text.AsSpan(); rest.Length > 0;)
        {
            var cluster = rest[..StringInfo.GetNextTextElementLength(rest)];
            rest = rest[cluster.Length..];
            if (Encoding.UTF8.GetByteCount(cluster) <= LongestCluster && Replace(Encoding.UTF8.GetBytes(cluster.ToString()), result))
                continue;
            foreach (var rune in cluster.EnumerateRunes())
            {
                if (!Replace(utf8[..rune.EncodeToUtf8(utf8)], result))
                    result.Append(rune.ToString());
            }
        }

        return result.ToString();
    }

    // The shortest key that the text begins with decides.
    private bool Replace(ReadOnlySpan<byte> text, StringBuilder result)
    {
        if (Find(text) is not (>= 0 and var start) || start > _replacements.Length)
            return false;
        var replacement = _replacements.AsSpan(start);
        var end = replacement.IndexOf((byte)0);
        result.Append(Encoding.UTF8.GetString(end < 0 ? replacement : replacement[..end]));
        return true;
    }

    private int Find(ReadOnlySpan<byte> key)
    {
        var at = Offset(Unit(0));
        foreach (var label in key)
        {
            if (label == 0)
                return -1;
            at ^= label;
            var unit = Unit(at);
            if ((unit & 0x800000FF) != label)
                return -1;
            at ^= Offset(unit);
            if ((unit & 0x100) != 0)
                return (int)(Unit(at) & 0x7FFFFFFF);
        }

        return -1;
    }

    private uint Unit(uint at) => at < _trie.Length ? _trie[at] : 0;

    private static uint Offset(uint unit) => (unit >> 10) << (int)((unit & 0x200) >> 6);
}
