using System.Buffers;
using System.Globalization;
using System.Text;

namespace VlWorker.Inference.Tokenizing;

/// <summary>A token that is looked for in the text before the model sees it.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Content">Its text.</param>
/// <param name="Special">Whether decoding may skip it.</param>
/// <param name="Normalized">Whether it is looked for in the normalised text, in normalised form.</param>
/// <param name="SingleWord">Whether it counts only where no letter or digit touches it.</param>
/// <param name="StripLeft">Whether it takes the white space before it.</param>
/// <param name="StripRight">Whether it takes the white space after it.</param>
internal sealed record AddedToken(int Id, string Content, bool Special, bool Normalized, bool SingleWord, bool StripLeft, bool StripRight)
{
    /// <summary>Whether it looks like a part of the model's own language, as image and location tokens do.</summary>
    public bool IsMarkup => Content is ['<', .., '>'] or ['[', .., ']'];

    public static AddedToken Create(TokenizerJson json) => new(
        json.Required("id").Id(),
        json.Required("content").Text(),
        json.FlagOr("special", false),
        json.FlagOr("normalized", true),
        json.FlagOr("single_word", false),
        json.FlagOr("lstrip", false),
        json.FlagOr("rstrip", false));
}

/// <summary>A part of a text: an added token, or a stretch of plain text where <see cref="Token"/> is null.</summary>
internal readonly record struct Segment(int Start, int Length, AddedToken? Token);

/// <summary>Finds added tokens in a text: the leftmost first, of those that start together the longest. Thread-safe.</summary>
internal sealed class AddedVocabulary
{
    private readonly Dictionary<string, AddedToken>.AlternateLookup<ReadOnlySpan<char>> _byPattern;
    private readonly SearchValues<string> _patterns;
    private readonly int[] _lengths;

    /// <param name="tokens">Each token with the text to look for.</param>
    public AddedVocabulary(IEnumerable<(string Pattern, AddedToken Token)> tokens)
    {
        var byPattern = new Dictionary<string, AddedToken>(StringComparer.Ordinal);
        foreach (var (pattern, token) in tokens)
        {
            if (pattern.Length > 0)
                byPattern[pattern] = token;
        }

        _byPattern = byPattern.GetAlternateLookup<ReadOnlySpan<char>>();
        _patterns = SearchValues.Create([.. byPattern.Keys], StringComparison.Ordinal);
        _lengths = [.. byPattern.Keys.Select(pattern => pattern.Length).Distinct().OrderDescending()];
    }

    /// <summary>Splits a text into plain stretches and added tokens, in order; empty stretches are left out.</summary>
    /// <param name="text">The text.</param>
    /// <param name="parseSpecial">Whether special tokens and markup are found too; otherwise their text is plain text.</param>
    public IEnumerable<Segment> Split(string text, bool parseSpecial)
    {
        var plainFrom = 0;
        var searchFrom = 0;
        while (Find(text, searchFrom) is { Token: { } token } found)
        {
            searchFrom = found.Start + found.Length;
            if (((token.Special || token.IsMarkup) && !parseSpecial) || (token.SingleWord && TouchesWord(text, found)))
                continue;
            var start = token.StripLeft ? Math.Max(plainFrom, text.AsSpan(0, found.Start).TrimEnd().Length) : found.Start;
            var end = token.StripRight ? text.Length - text.AsSpan(searchFrom).TrimStart().Length : searchFrom;
            if (start > plainFrom)
                yield return new Segment(plainFrom, start - plainFrom, null);
            yield return new Segment(start, end - start, token);
            plainFrom = end;
        }

        if (plainFrom < text.Length)
            yield return new Segment(plainFrom, text.Length - plainFrom, null);
    }

    private Segment? Find(string text, int from)
    {
        if (_lengths.Length == 0)
            return null;
        var rest = text.AsSpan(from);
        var offset = rest.IndexOfAny(_patterns);
        if (offset < 0)
            return null;
        rest = rest[offset..];
        foreach (var length in _lengths)
        {
            if (length <= rest.Length && _byPattern.TryGetValue(rest[..length], out var token))
                return new Segment(from + offset, length, token);
        }

        return null;
    }

    private static bool TouchesWord(string text, Segment found)
    {
        Rune.DecodeLastFromUtf16(text.AsSpan(0, found.Start), out var before, out var lengthBefore);
        Rune.DecodeFromUtf16(text.AsSpan(found.Start + found.Length), out var after, out var lengthAfter);
        return (lengthBefore > 0 && IsWord(before)) || (lengthAfter > 0 && IsWord(after));
    }

    // A word character of UTS 18: letters, marks, decimal digits, letter numbers, connectors and the two joiners.
    private static bool IsWord(Rune rune) =>
        rune.Value is 0x200C or 0x200D
        || Rune.GetUnicodeCategory(rune) is <= UnicodeCategory.LetterNumber or UnicodeCategory.ConnectorPunctuation;
}
