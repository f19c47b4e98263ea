using System.Globalization;

namespace VlWorker.Inference.Tokenizing.Models;

/// <summary>Tokens that stand for one byte each, written <c>&lt;0x00&gt;</c> to <c>&lt;0xFF&gt;</c>.</summary>
internal static class ByteTokens
{
    /// <summary>Their ids in the bytes' order; null unless all are there: a model without one of them takes the unknown token instead.</summary>
    public static int[]? Of(Vocabulary vocabulary)
    {
        var ids = new int[256];
        for (var value = 0; value < ids.Length; value++)
        {
            if (vocabulary.IdOf(string.Create(CultureInfo.InvariantCulture, $"<0x{value:X2}>")) is not { } id)
                return null;
            ids[value] = id;
        }

        return ids;
    }

    /// <summary>The byte that a token stands for, or null.</summary>
    public static byte? Read(string token) => token is ['<', '0', 'x', _, _, '>']
        && byte.TryParse(token.AsSpan(3, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value) ? value : null;
}
