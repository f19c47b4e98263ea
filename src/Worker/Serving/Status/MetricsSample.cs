using System.Globalization;
using System.Text;
using Prometheus;

namespace VlWorker.Serving.Status;

/// <summary>The worker's metrics at one moment, read from what /metrics would serve: the page counts nothing of its own.</summary>
internal sealed class MetricsSample
{
    private readonly Dictionary<string, List<(Dictionary<string, string> Labels, double Value)>> _series = new(StringComparer.Ordinal);

    /// <summary>When it was taken: a timestamp of <see cref="TimeProvider.GetTimestamp"/>.</summary>
    public required long At { get; init; }

    /// <summary>Takes a sample.</summary>
    public static async Task<MetricsSample> TakeAsync(CollectorRegistry registry, TimeProvider time, CancellationToken cancellation)
    {
        using var text = new MemoryStream();
        await registry.CollectAndExportAsTextAsync(text, cancellation);
        return Parse(Encoding.UTF8.GetString(text.GetBuffer(), 0, (int)text.Length), time.GetTimestamp());
    }

    /// <summary>Reads the Prometheus text format; what is not the worker's own is left out.</summary>
    public static MetricsSample Parse(string text, long at)
    {
        var sample = new MetricsSample { At = at };
        foreach (var line in text.Split('\n'))
        {
            if (line.StartsWith("vlworker_", StringComparison.Ordinal))
                sample.Add(line);
        }

        return sample;
    }

    /// <summary>The sum of all series of a name whose labels are the ones given; 0 if there are none.</summary>
    public double Sum(string name, params (string Label, string Value)[] where) => Series(name, where).Sum(series => series.Value);

    /// <summary>All series of a name whose labels are the ones given.</summary>
    public IEnumerable<(Dictionary<string, string> Labels, double Value)> Series(string name, params (string Label, string Value)[] where) =>
        _series.TryGetValue(name, out var all)
            ? all.Where(series => Array.TrueForAll(where, label => series.Labels.GetValueOrDefault(label.Label) == label.Value))
            : [];

    private void Add(string line)
    {
        var open = line.IndexOf('{', StringComparison.Ordinal);
        var close = line.LastIndexOf('}');
        var name = open < 0 ? line[..line.IndexOf(' ', StringComparison.Ordinal)] : line[..open];
        var value = line.AsSpan(open < 0 ? name.Length : close + 1).Trim();
        value = value.IndexOf(' ') is >= 0 and var end ? value[..end] : value;
        // What can't be told at the moment is not a number, and nothing to add up.
        if (!double.TryParse(value, CultureInfo.InvariantCulture, out var number) || !double.IsFinite(number))
            return;
        if (!_series.TryGetValue(name, out var series))
            _series.Add(name, series = []);
        series.Add((open < 0 ? [] : Labels(line.AsSpan(open + 1, close - open - 1)), number));
    }

    private static Dictionary<string, string> Labels(ReadOnlySpan<char> text)
    {
        var labels = new Dictionary<string, string>(StringComparer.Ordinal);
        while (text.IndexOf("=\"") is var equals and > 0)
        {
            var (name, value) = (text[..equals].TrimStart(',').ToString(), new StringBuilder());
            var i = equals + 2;
            for (; text[i] != '"'; i++)
            {
                if (text[i] == '\\')
                    value.Append(text[++i] == 'n' ? '\n' : text[i]);
                else
                    value.Append(text[i]);
            }

            labels[name] = value.ToString();
            text = text[(i + 1)..];
        }

        return labels;
    }
}
