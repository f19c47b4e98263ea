using System.Globalization;
using System.Text;

namespace VlWorker.Inference.Tokenizing.Normalizers;

/// <summary>BERT's normalizer: control characters go, white space becomes spaces, spaces around Chinese characters, no accents, lower case.</summary>
/// <param name="cleans">Whether control characters go and white space becomes spaces.</param>
/// <param name="spacesChinese">Whether each Chinese character becomes a word.</param>
/// <param name="stripsAccents">Whether letters lose their marks.</param>
/// <param name="lowercase">Makes lower case; null leaves it.</param>
internal sealed class BertNormalizer(bool cleans, bool spacesChinese, bool stripsAccents, LowercaseNormalizer? lowercase) : TextNormalizer
{
    private static readonly (int First, int Last)[] Chinese =
    [
        (0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F), (0x2B740, 0x2B81F), (0x2B920, 0x2CEAF), (0xF900, 0xFAFF),
        (0x2F800, 0x2FA1F),
    ];

    /// <summary>Builds it from its part of tokenizer.json.</summary>
    public static new BertNormalizer Create(TokenizerJson json)
    {
        var lower = json.FlagOr("lowercase", true);
        return new BertNormalizer(
            json.FlagOr("clean_text", true), json.FlagOr("handle_chinese_chars", true), json.FlagOr("strip_accents", lower),
            lower ? new LowercaseNormalizer() : null);
    }

    /// <inheritdoc/>
    public override string Normalize(string text)
    {
        text = Clean(text);
        if (stripsAccents)
        {
            text = string.Concat(CanonicalComposition.Decompose(text).EnumerateRunes()
                .Where(static rune => Rune.GetUnicodeCategory(rune) != UnicodeCategory.NonSpacingMark));
        }

        return lowercase?.Normalize(text) ?? text;
    }

    private string Clean(string text)
    {
        var result = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            if (cleans && (rune.Value is 0 or 0xFFFD || IsControl(rune)))
                continue;
            if (cleans && Rune.IsWhiteSpace(rune))
                result.Append(' ');
            else if (spacesChinese && IsChinese(rune.Value))
                result.Append(' ').Append(rune).Append(' ');
            else
                result.Append(rune);
        }

        return result.ToString();
    }

    private static bool IsControl(Rune rune) => rune.Value is not ('\t' or '\n' or '\r')
        && Rune.GetUnicodeCategory(rune) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.PrivateUse;

    private static bool IsChinese(int code)
    {
        foreach (var (first, last) in Chinese)
        {
            if (code >= first && code <= last)
                return true;
        }

        return false;
    }
}
