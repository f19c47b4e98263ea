using System.Globalization;
using Prometheus;
using VlWorker.Integration.Infrastructure;

namespace VlWorker.Bench.Gpu;

/// <summary>Means of a worker's histograms: milliseconds of each stage, rows of a batch.</summary>
internal static class StageTimes
{
    /// <summary>A worker's metrics.</summary>
    public static async Task<MetricsText> TextAsync(CollectorRegistry registry)
    {
        using var text = new MemoryStream();
        await registry.CollectAndExportAsTextAsync(text);
        return new MetricsText(System.Text.Encoding.UTF8.GetString(text.ToArray()));
    }

    /// <summary>The means.</summary>
    public static async Task<IReadOnlyList<string>> ReadAsync(CollectorRegistry registry)
    {
        var values = (await TextAsync(registry)).Text.Split('\n')
            .Where(line => line.StartsWith("vlworker_", StringComparison.Ordinal) && line.Contains(' ', StringComparison.Ordinal))
            .ToDictionary(line => line[..line.LastIndexOf(' ')], line => double.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture));
        return [.. Means(values, "vlworker_stage_seconds", 1000, "ms"), .. Means(values, "vlworker_batch_size", 1, "rows"), .. Means(values, "vlworker_batch_seconds", 1000, "ms")];
    }

    private static IEnumerable<string> Means(Dictionary<string, double> values, string name, double factor, string unit) =>
        from pair in values
        where pair.Key.StartsWith(name + "_sum", StringComparison.Ordinal)
        let labels = pair.Key[(name.Length + 4)..]
        select string.Create(CultureInfo.InvariantCulture, $"{name["vlworker_".Length..]}{labels} {factor * pair.Value / values[$"{name}_count{labels}"]:0.0} {unit}");
}
