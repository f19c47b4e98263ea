using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace VlWorker.Inference.Tokenizing;

/// <summary>Start and length in UTF-16 units.</summary>
internal readonly record struct Piece(int Start, int Length);

/// <summary>
/// A regular expression of a tokenizer file, matched by code points as the Oniguruma library of Hugging Face's tokenizers does.
/// .NET matches UTF-16 units and takes "𝒳" for two characters that are no letters. So a text with such code points is matched through a
/// stand-in: each of them becomes one BMP character of the same general category, which is all that these patterns ask about it.
/// </summary>
internal sealed partial class RuneRegex
{
    private const string Gpt2 = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";
    private const string Clip = @"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+";

    // Patterns come with a model, texts from anywhere: one that backtracks without end must not hold a thread.
    private static readonly TimeSpan MatchTimeout = TimeSpan.FromSeconds(10);

    // One character for each general category, in the order of UnicodeCategory:
    // Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Zs Zl Zp Cc Cf Cs Co Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So Cn.
    private const string StandIns =
        "\uA640\uAB30\u1F88\uA717\uA000\u0900\u0903\u20DD\u06F0\u3007\u2460\u2000\u2028\u2029\u0001\u200E\uFFFD\uE000" +
        "\u203F\u2010\u2045\u2046\u201B\u203A\u2020\u2200\u20A0\uA700\u2300\uFFFE";

    private readonly Regex _regex;

    private RuneRegex(Regex regex) => _regex = regex;

    /// <summary>The GPT-2 splitting pattern, which ByteLevel pre-tokenizers imply.</summary>
    public static RuneRegex OfGpt2 { get; } = new(Gpt2Regex());

    /// <summary>A digit, or a number written in any other way, as a piece of its own.</summary>
    public static RuneRegex OfDigit { get; } = new(DigitRegex());

    /// <summary>Several of them in a row.</summary>
    public static RuneRegex OfDigits { get; } = new(DigitsRegex());

    /// <summary>A character of white space.</summary>
    public static RuneRegex OfWhiteSpace { get; } = new(WhiteSpaceRegex());

    /// <summary>A character of punctuation, as BERT counts it: ASCII's symbols are punctuation, too.</summary>
    public static RuneRegex OfPunctuation { get; } = new(PunctuationRegex());

    /// <summary>Takes a "pattern" of a tokenizer file: { "Regex": "..." } or { "String": "..." }.</summary>
    /// <exception cref="NotSupportedException">The pattern means something else to .NET than to Oniguruma, or nothing.</exception>
    public static RuneRegex Create(TokenizerJson pattern)
    {
        if (pattern.OptionalText("String") is { } literal)
            return OfLiteral(literal);
        // Oniguruma lets any punctuation be escaped, .NET all but the underscore.
        var expression = Escape().Replace(pattern.Required("Regex").Text(), static escape => escape.ValueSpan is @"\_" ? "_" : escape.Value);
        if (expression is Gpt2 or Clip)
            return expression == Gpt2 ? OfGpt2 : new RuneRegex(ClipRegex());
        if (OnigurumaOnly().IsMatch(expression) || expression.Any(char.IsSurrogate))
            throw pattern.Unsupported($"the expression {expression}");
        try
        {
            // Multiline: ^ and $ match at line ends in Oniguruma too.
            var options = RegexOptions.Compiled | RegexOptions.CultureInvariant | RegexOptions.Multiline;
            return new RuneRegex(new Regex(expression, options, MatchTimeout));
        }
        catch (ArgumentException error)
        {
            throw new NotSupportedException($"{pattern.Unsupported($"the expression {expression}").Message}: {error.Message}", error);
        }
    }

    /// <summary>Matches a text as it is.</summary>
    public static RuneRegex OfLiteral(string text) => new(new Regex(Regex.Escape(text), RegexOptions.CultureInvariant, MatchTimeout));

    /// <summary>Appends all matches, from left to right, none overlapping.</summary>
    /// <param name="text">A text without lone surrogates.</param>
    /// <param name="matches">Takes the matches; positions count from the start of <paramref name="text"/>.</param>
    public void Match(ReadOnlySpan<char> text, RentedList<Piece> matches)
    {
        if (text.IndexOfAnyInRange('\uD800', '\uDFFF') < 0)
        {
            foreach (var match in _regex.EnumerateMatches(text))
                matches.Add(new Piece(match.Index, match.Length));
            return;
        }

        using var standIn = new RentedList<char>();
        using var starts = new RentedList<int>();
        var position = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            standIn.Add(rune.IsBmp ? (char)rune.Value : StandIns[(int)Rune.GetUnicodeCategory(rune)]);
            starts.Add(position);
            position += rune.Utf16SequenceLength;
        }

        starts.Add(position);
        foreach (var match in _regex.EnumerateMatches(standIn.Span))
        {
            var start = starts.Span[match.Index];
            matches.Add(new Piece(start, starts.Span[match.Index + match.Length] - start));
        }
    }

    /// <summary>Replaces all matches.</summary>
    public string Replace(string text, string replacement)
    {
        using var matches = new RentedList<Piece>();
        Match(text, matches);
        if (matches.Count == 0)
            return text;
        var result = new StringBuilder(text.Length);
        var position = 0;
        foreach (var match in matches.Span)
        {
            result.Append(text, position, match.Start - position).Append(replacement);
            position = match.Start + match.Length;
        }

        return result.Append(text, position, text.Length - position).ToString();
    }

    [GeneratedRegex(Gpt2, RegexOptions.CultureInvariant)]
    private static partial Regex Gpt2Regex();

    [GeneratedRegex(@"\p{N}", RegexOptions.CultureInvariant)]
    private static partial Regex DigitRegex();

    [GeneratedRegex(@"\p{N}+", RegexOptions.CultureInvariant)]
    private static partial Regex DigitsRegex();

    [GeneratedRegex(@"\s", RegexOptions.CultureInvariant)]
    private static partial Regex WhiteSpaceRegex();

    [GeneratedRegex(@"[!-/:-@\[-`{-~]|\p{P}", RegexOptions.CultureInvariant)]
    private static partial Regex PunctuationRegex();

    [GeneratedRegex(Clip, RegexOptions.CultureInvariant)]
    private static partial Regex ClipRegex();

    [GeneratedRegex(@"\\.", RegexOptions.CultureInvariant | RegexOptions.Singleline)]
    private static partial Regex Escape();

    // POSIX brackets, set operations, \h \R \X \K \G, \w and \b (other letters than .NET's), other spellings of classes and options.
    [GeneratedRegex(@"\[\[:|&&|\\[hHRXKGwWbBgy]|\\p\{\^|\\x\{|\(\?[a-z]*[xm]", RegexOptions.CultureInvariant)]
    private static partial Regex OnigurumaOnly();
}
