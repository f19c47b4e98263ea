using System.Globalization;
using System.Text;

namespace VlWorker.Inference.Tokenizing.Models;

/// <summary>
/// Tokens that stand for one byte each, written <c>&lt;0x00&gt;</c> to <c>&lt;0xFF&gt;</c>. Some may be missing: Gemma has the tabulator itself in
/// the place of its byte.
/// </summary>
internal sealed class ByteTokens
{
    /// <summary>The most bytes of a character.</summary>
    public const int Longest = 4;

    private const int Missing = -1;

    private readonly int[] _ids;

    /// <summary>Looks them up.</summary>
    public ByteTokens(Vocabulary vocabulary) => _ids =
        [.. Enumerable.Range(0, 256).Select(value => vocabulary.IdOf(string.Create(CultureInfo.InvariantCulture, $"<0x{value:X2}>")) ?? Missing)];

    /// <summary>The byte that a token stands for, or null.</summary>
    public static byte? Read(string token) => token is ['<', '0', 'x', _, _, '>']
        && byte.TryParse(token.AsSpan(3, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value) ? value : null;

    /// <summary>Writes the ids of a character's bytes in UTF-8.</summary>
    /// <param name="rune">The character.</param>
    /// <param name="ids">Room for <see cref="Longest"/>.</param>
    /// <returns>How many there are; 0 where one of them has no token, and the character is unknown.</returns>
    public int Write(Rune rune, Span<int> ids)
    {
        Span<byte> utf8 = stackalloc byte[Longest];
        var length = rune.EncodeToUtf8(utf8);
        for (var i = 0; i < length; i++)
            ids[i] = _ids[utf8[i]];
        return ids[..length].Contains(Missing) ? 0 : length;
    }
}
