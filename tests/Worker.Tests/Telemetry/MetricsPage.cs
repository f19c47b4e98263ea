using System.Text;
using System.Text.RegularExpressions;
using Microsoft.Extensions.DependencyInjection;
using Prometheus;
using VlWorker.Hosting;
using VlWorker.Telemetry;

namespace VlWorker.Worker.Tests.Telemetry;

/// <summary>A metric as docs/metrics.md describes it.</summary>
internal sealed record DocumentedMetric(string Name, string Kind, IReadOnlyList<string> Labels);

/// <summary>What docs/metrics.md says, and what a worker exposes.</summary>
internal static partial class MetricsPage
{
    /// <summary>The table of the page.</summary>
    public static IReadOnlyList<DocumentedMetric> Read() =>
    [
        .. Row().Matches(File.ReadAllText(ResourcePath.Resolve(Path.Combine("docs", "metrics.md"))))
            .Select(row => new DocumentedMetric(
                row.Groups["name"].Value, row.Groups["kind"].Value, row.Groups["labels"].Value.Split(", ", StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))),
    ];

    /// <summary>A scrape of a composed worker that was not started.</summary>
    public static async Task<string> ScrapeAsync(ExpositionFormat format = ExpositionFormat.PrometheusText)
    {
        var builder = WorkerHost.CreateBuilder(["--Store:Buckets:0=photos", "--Broker:Transport=InMemory"]);
        await using var worker = WorkerHost.Build(builder, WorkerOptions.Read(builder.Configuration));
        return await ScrapeAsync(worker.Services.GetRequiredService<WorkerMetrics>().Registry, format);
    }

    public static async Task<string> ScrapeAsync(CollectorRegistry registry, ExpositionFormat format = ExpositionFormat.PrometheusText)
    {
        using var text = new MemoryStream();
        await registry.CollectAndExportAsTextAsync(text, format);
        return Encoding.UTF8.GetString(text.ToArray());
    }

    /// <summary>Names and kinds in the text of a scrape.</summary>
    public static IReadOnlyDictionary<string, string> Families(string scrape) =>
        Family().Matches(scrape).ToDictionary(match => match.Groups[1].Value, match => match.Groups[2].Value, StringComparer.Ordinal);

    [GeneratedRegex(@"^\| (?<name>vlworker_\w+) \| (?<kind>counter|gauge|histogram) \| (?<labels>[^|]*)\| ", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex Row();

    [GeneratedRegex(@"^# TYPE (\w+) (\w+)\r?$", RegexOptions.Multiline)]
    private static partial Regex Family();
}
