using System.Text;

namespace VlWorker.Inference.Tokenizing.Normalizers;

/// <summary>
/// Unicode normalisation forms C and D (UAX 15). Own code because string.Normalize does nothing under InvariantGlobalization, which the worker
/// needs to run without ICU, and because token ids follow the tables of one version: see <see cref="CanonicalTables"/>.
/// </summary>
internal static class CanonicalComposition
{
    // Hangul syllables are composed by arithmetic: leading consonant, vowel, optional trailing consonant.
    private const int SyllableBase = 0xAC00;
    private const int LeadBase = 0x1100;
    private const int VowelBase = 0x1161;
    private const int TrailBase = 0x11A7;
    private const int Leads = 19;
    private const int Vowels = 21;
    private const int Trails = 28;
    private const int Syllables = Leads * Vowels * Trails;

    /// <summary>Composes a text without lone surrogates; returns the same instance where nothing can change.</summary>
    public static string Compose(string text)
    {
        // Below U+0300 nothing decomposes that does not compose again, and nothing combines.
        if (text.AsSpan().IndexOfAnyExceptInRange('\0', '\u02FF') < 0)
            return text;
        using var codes = new RentedList<int>();
        Decompose(text, codes);
        return Text(codes.Span[..Recompose(codes.Span)]);
    }

    /// <summary>Decomposes a text without lone surrogates; returns the same instance where nothing can change.</summary>
    public static string Decompose(string text)
    {
        if (text.AsSpan().IndexOfAnyExceptInRange('\0', '\u00BF') < 0)
            return text;
        using var codes = new RentedList<int>();
        Decompose(text, codes);
        return Text(codes.Span);
    }

    private static void Decompose(string text, RentedList<int> to)
    {
        foreach (var rune in text.EnumerateRunes())
            Decompose(rune.Value, to);
        Reorder(to.Span);
    }

    private static string Text(ReadOnlySpan<int> codes)
    {
        var result = new StringBuilder(codes.Length);
        Span<char> units = stackalloc char[2];
        foreach (var code in codes)
            result.Append(units[..new Rune(code).EncodeToUtf16(units)]);
        return result.ToString();
    }

    private static void Decompose(int code, RentedList<int> to)
    {
        var syllable = code - SyllableBase;
        if (syllable is >= 0 and < Syllables)
        {
            to.Add(LeadBase + (syllable / (Vowels * Trails)));
            to.Add(VowelBase + (syllable % (Vowels * Trails) / Trails));
            if (syllable % Trails != 0)
                to.Add(TrailBase + (syllable % Trails));
        }
        else if (code >= 0xC0 && CanonicalTables.Decompositions.TryGetValue(code, out var parts))
        {
            to.AddRange(parts);
        }
        else
        {
            to.Add(code);
        }
    }

    // Sorts each run of combining marks by class, equal classes in their order. Sorted, not bubbled: a run may be as long as the text.
    private static void Reorder(Span<int> codes)
    {
        using var keys = new RentedList<long>();
        for (var i = 0; i < codes.Length; i++)
        {
            keys.Clear();
            var start = i;
            for (; i < codes.Length && CanonicalTables.ClassOf(codes[i]) is > 0 and var combining; i++)
                keys.Add(((long)combining << 53) | ((long)(i - start) << 21) | (uint)codes[i]);
            if (keys.Count < 2)
                continue;
            keys.Span.Sort();
            for (var j = 0; j < keys.Count; j++)
                codes[start + j] = (int)(keys.Span[j] & 0x1FFFFF);
        }
    }

    // Composes in place and returns the new length. A mark reaches the last starter if no mark of its own or a higher class stands between.
    private static int Recompose(Span<int> codes)
    {
        var length = 0;
        var starter = -1;
        var lastClass = 0;
        foreach (var code in codes)
        {
            var combining = CanonicalTables.ClassOf(code);
            var reaches = starter >= 0 && (length == starter + 1 || (lastClass != 0 && lastClass < combining));
            if (reaches && Compose(codes[starter], code) is { } composed)
            {
                codes[starter] = composed;
                continue;
            }

            if (combining == 0)
                starter = length;
            lastClass = combining;
            codes[length++] = code;
        }

        return length;
    }

    private static int? Compose(int first, int second)
    {
        var (lead, vowel) = (first - LeadBase, second - VowelBase);
        if (lead is >= 0 and < Leads && vowel is >= 0 and < Vowels)
            return SyllableBase + (((lead * Vowels) + vowel) * Trails);
        var (syllable, trail) = (first - SyllableBase, second - TrailBase);
        if (syllable is >= 0 and < Syllables && syllable % Trails == 0 && trail is > 0 and < Trails)
            return first + trail;
        return CanonicalTables.Compositions.TryGetValue(((long)first << 32) | (uint)second, out var composed) ? composed : null;
    }
}
