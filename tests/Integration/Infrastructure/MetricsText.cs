using System.Globalization;
using System.Text.RegularExpressions;

namespace VlWorker.Integration.Infrastructure;

/// <summary>Metrics in Prometheus' text format.</summary>
public sealed partial class MetricsText
{
    private readonly List<(string Name, Dictionary<string, string> Labels, double Value)> _samples = [];

    /// <summary>Reads the text of a scrape.</summary>
    public MetricsText(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        Text = text;
        foreach (Match line in Sample().Matches(text))
        {
            var labels = Label().Matches(line.Groups["labels"].Value).ToDictionary(static l => l.Groups[1].Value, static l => Unescape(l.Groups[2].Value));
            _samples.Add((line.Groups["name"].Value, labels, Number(line.Groups["value"].Value)));
        }
    }

    /// <summary>The text as it came.</summary>
    public string Text { get; }

    /// <summary>Whether there is a sample of this name.</summary>
    public bool Has(string name) => _samples.Exists(sample => sample.Name == name);

    /// <summary>The sum of all samples of this name with these labels; 0 without any.</summary>
    public double Sum(string name, params (string Label, string Value)[] labels) => _samples
        .Where(sample => sample.Name == name && labels.All(label => sample.Labels.TryGetValue(label.Label, out var value) && value == label.Value))
        .Sum(static sample => sample.Value);

    private static double Number(string text) => text switch
    {
        "+Inf" => double.PositiveInfinity,
        "-Inf" => double.NegativeInfinity,
        _ => double.Parse(text, CultureInfo.InvariantCulture),
    };

    private static string Unescape(string text) => text.Replace("\\\"", "\"", StringComparison.Ordinal).Replace("\\n", "\n", StringComparison.Ordinal).Replace("\\\\", "\\", StringComparison.Ordinal);

    [GeneratedRegex("""^(?<name>[A-Za-z_:][A-Za-z0-9_:]*)(\{(?<labels>.*)\})? (?<value>[^ \r\n]+)""", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex Sample();

    [GeneratedRegex("""([A-Za-z_][A-Za-z0-9_]*)="((?:[^"\\]|\\.)*)"[,]?""")]
    private static partial Regex Label();
}
