namespace VlWorker.Models.Verification;

/// <summary>Levenshtein distance: insertions, deletions and substitutions that turn one sequence into the other.</summary>
internal static class EditDistance
{
    /// <summary>Over words, which white space separates.</summary>
    public static int Words(string a, string b) => Between<string>(Split(a), Split(b));

    /// <summary>Over characters as a reader counts them (Unicode scalar values).</summary>
    public static int Characters(string a, string b) =>
        Between<int>([.. a.EnumerateRunes().Select(rune => rune.Value)], [.. b.EnumerateRunes().Select(rune => rune.Value)]);

    private static string[] Split(string text) => text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);

    private static int Between<T>(T[] a, T[] b)
        where T : IEquatable<T>
    {
        // One row of the table: row[j] is the distance of what was read of a to the first j of b.
        var row = Enumerable.Range(0, b.Length + 1).ToArray();
        for (var i = 1; i <= a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var substituted = diagonal + (a[i - 1].Equals(b[j - 1]) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(substituted, Math.Min(row[j], row[j - 1]) + 1);
            }
        }

        return row[^1];
    }
}
