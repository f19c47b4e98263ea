using System.Globalization;

namespace VlWorker.Inference.Tokenizing.Normalizers;

/// <summary>
/// The canonical properties of Unicode 9.0, from the embedded canonical.txt. Not a newer version: Hugging Face's tokenizers (0.22, 0.23)
/// normalise by this one, and a model has learned the ids that came of it.
/// </summary>
internal static class CanonicalTables
{
    private static readonly Dictionary<int, byte> Classes = [];

    static CanonicalTables()
    {
        using var stream = typeof(CanonicalTables).Assembly.GetManifestResourceStream("unicode/canonical.txt")
            ?? throw new InvalidOperationException("The assembly lacks canonical.txt.");
        using var reader = new StreamReader(stream);
        var direct = new Dictionary<int, int[]>();
        while (reader.ReadLine() is { } line)
        {
            var fields = line.Split(' ');
            if (fields[0] == "c")
                AddClass(Code(fields[1]), Code(fields[2]), byte.Parse(fields[3], CultureInfo.InvariantCulture));
            else if (fields[0] is "d" or "p")
                direct.Add(Code(fields[1]), [.. fields[2..].Select(Code)]);
            if (fields[0] == "p")
                Compositions.Add(((long)Code(fields[2]) << 32) | (uint)Code(fields[3]), Code(fields[1]));
        }

        foreach (var code in direct.Keys)
            Decompositions.Add(code, [.. Expand(code, direct)]);
    }

    /// <summary>Full decompositions, Hangul left out.</summary>
    public static Dictionary<int, int[]> Decompositions { get; } = [];

    /// <summary>Primary composites by their two parts, the first in the upper 32 bits; Hangul left out.</summary>
    public static Dictionary<long, int> Compositions { get; } = [];

    /// <summary>The canonical combining class; 0 is a starter.</summary>
    public static int ClassOf(int code) => code >= 0x300 && Classes.TryGetValue(code, out var combining) ? combining : 0;

    private static int Code(string hex) => int.Parse(hex, NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    private static void AddClass(int first, int last, byte combining)
    {
        for (var code = first; code <= last; code++)
            Classes.Add(code, combining);
    }

    private static IEnumerable<int> Expand(int code, Dictionary<int, int[]> direct) =>
        direct.TryGetValue(code, out var parts) ? parts.SelectMany(part => Expand(part, direct)) : [code];
}
