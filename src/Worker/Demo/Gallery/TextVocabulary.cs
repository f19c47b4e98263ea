namespace VlWorker.Demo.Gallery;

/// <summary>Chooses the texts whose embeddings are computed beforehand, so that a page without a server can search by meaning.</summary>
internal static class TextVocabulary
{
    private const int LongestPhrase = 4;

    /// <summary>Words that hold captions together and say little alone.</summary>
    private static readonly HashSet<string> Fillers = new(StringComparer.OrdinalIgnoreCase)
    {
        "a", "an", "the", "some", "and", "or", "of", "on", "in", "at", "to", "by", "with", "without", "from", "for", "as", "is", "are", "was",
        "were", "be", "being", "it", "its", "this", "that", "there", "their", "his", "her", "above", "below", "under", "over", "beside",
        "left", "right", "next", "near", "behind", "front", "top", "bottom", "up", "down", "into", "while", "which", "who", "has", "have",
    };

    /// <summary>Queries, then phrases and words by how many captions have them, then captions; none twice.</summary>
    /// <param name="queries">What the user asked for; never left out.</param>
    /// <param name="captions">The images' captions.</param>
    /// <param name="limit">Texts at most, beyond the queries.</param>
    public static IReadOnlyList<string> Choose(IReadOnlyList<string> queries, IReadOnlyList<string> captions, int limit)
    {
        var distinct = ByFrequency(captions);
        var phrases = ByFrequency(captions.SelectMany(caption => Phrases(caption).Distinct(StringComparer.OrdinalIgnoreCase)));

        // Short texts first, but at least a quarter of the room is the captions'.
        var room = Math.Max(limit - distinct.Count, limit * 3 / 4);
        var seen = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        var texts = queries.Where(seen.Add).ToList();
        var end = texts.Count + limit;
        texts.AddRange(phrases.Take(room).Concat(distinct).Where(seen.Add).Take(end - texts.Count));
        return texts;
    }

    /// <summary>A few texts to offer as buttons: the queries, then phrases spread from common to rare.</summary>
    public static IReadOnlyList<string> Suggest(IReadOnlyList<string> queries, IReadOnlyList<string> captions, int count)
    {
        var phrases = ByFrequency(captions.SelectMany(Runs)).Where(text => text.Length is > 2 and <= 28).ToList();
        var wanted = Math.Max(0, Math.Min(count - queries.Count, phrases.Count));
        var spread = Enumerable.Range(0, wanted).Select(i => phrases[(int)((long)i * phrases.Count / wanted)]);
        return [.. queries.Concat(spread).Distinct(StringComparer.OrdinalIgnoreCase)];
    }

    /// <summary>A caption's phrases without fillers ("police car"), and their single words.</summary>
    public static IEnumerable<string> Phrases(string caption)
    {
        foreach (var run in Runs(caption))
        {
            yield return run;
            if (!run.Contains(' ', StringComparison.Ordinal))
                continue;
            foreach (var word in run.Split(' '))
                yield return word;
        }
    }

    private static IEnumerable<string> Runs(string caption)
    {
        var run = new List<string>();
        foreach (var (word, closes) in Words(caption))
        {
            var filler = Fillers.Contains(word);
            if (!filler && word.Length > 0)
                run.Add(word);
            if ((!filler && !closes && run.Count < LongestPhrase) || run.Count == 0)
                continue;
            yield return string.Join(' ', run);
            run.Clear();
        }

        if (run.Count > 0)
            yield return string.Join(' ', run);
    }

    /// <summary>Words of letters, digits, hyphens and apostrophes; punctuation after a word closes its phrase.</summary>
    private static IEnumerable<(string Word, bool Closes)> Words(string caption)
    {
        var start = 0;
        for (var i = 0; i <= caption.Length; i++)
        {
            if (i < caption.Length && (char.IsLetterOrDigit(caption[i]) || caption[i] is '-' or '\''))
                continue;
            var closes = i < caption.Length && !char.IsWhiteSpace(caption[i]);
            if (i > start || closes)
                yield return (caption[start..i], closes);
            start = i + 1;
        }
    }

    private static List<string> ByFrequency(IEnumerable<string> texts) =>
        [.. texts.GroupBy(text => text, StringComparer.OrdinalIgnoreCase)
            .OrderByDescending(group => group.Count())
            .ThenBy(group => group.Key, StringComparer.OrdinalIgnoreCase)
            .Select(group => group.Key)];
}
