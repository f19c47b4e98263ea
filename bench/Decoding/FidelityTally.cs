using System.Globalization;
using System.Security.Cryptography;
using Spectre.Console;

namespace VlWorker.Bench.Decoding;

/// <summary>Counts equal images by set, and says of each other one by how much it differs.</summary>
internal sealed class FidelityTally
{
    private readonly SortedDictionary<string, (int Equal, int Total)> _sets = new(StringComparer.Ordinal);
    private readonly List<string> _differences = [];

    /// <summary>Whether there was anything to compare, and all of it was equal.</summary>
    public bool AllEqual => _sets.Count > 0 && _differences.Count == 0;

    public void Add(string set, string name, ReadOnlySpan<byte> actual, ReadOnlySpan<byte> expected)
    {
        var equal = actual.SequenceEqual(expected);
        Count(set, equal);
        if (!equal)
            _differences.Add($"{set}: {name}: {Difference(actual, expected)}");
    }

    /// <param name="set">The set.</param>
    /// <param name="name">The image.</param>
    /// <param name="actual">Its bytes.</param>
    /// <param name="sha256">The hash that they must have.</param>
    /// <param name="likely">Bytes to measure a difference against.</param>
    public void AddHash(string set, string name, byte[] actual, string sha256, byte[]? likely)
    {
        var equal = Convert.ToHexStringLower(SHA256.HashData(actual)) == sha256;
        Count(set, equal);
        if (!equal)
            _differences.Add($"{set}: {name}: {(likely is null ? "another hash" : Difference(actual, likely))}");
    }

    public void Fail(string set, string name, string why)
    {
        Count(set, false);
        _differences.Add($"{set}: {name}: {why}");
    }

    public void Print(Report report)
    {
        var table = new Table().AddColumns("Set", "Equal", "Images");
        foreach (var (set, (equal, total)) in _sets)
            table.AddRow(set, equal.ToString(CultureInfo.InvariantCulture), total.ToString(CultureInfo.InvariantCulture));
        AnsiConsole.Write(table);
        report.Keep("| set | equal | images |\n|---|---|---|\n" + string.Join('\n', _sets.Select(set => $"| {set.Key} | {set.Value.Equal} | {set.Value.Total} |")));
        foreach (var difference in _differences)
            report.Line(difference);
        report.Line(AllEqual ? "All bytes are equal." : $"{_differences.Count} differ.");
    }

    private void Count(string set, bool equal)
    {
        var (equals, total) = _sets.GetValueOrDefault(set);
        _sets[set] = (equals + (equal ? 1 : 0), total + 1);
    }

    private static string Difference(ReadOnlySpan<byte> actual, ReadOnlySpan<byte> expected)
    {
        if (actual.Length != expected.Length)
            return $"{actual.Length} bytes instead of {expected.Length}";
        long sum = 0;
        var most = 0;
        for (var i = 0; i < actual.Length; i++)
        {
            var difference = Math.Abs(actual[i] - expected[i]);
            sum += difference;
            most = Math.Max(most, difference);
        }

        return string.Create(CultureInfo.InvariantCulture, $"mean difference {(double)sum / actual.Length:0.0000}, largest {most}");
    }
}
