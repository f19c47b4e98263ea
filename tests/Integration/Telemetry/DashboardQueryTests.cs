using System.Text.Json;
using VlWorker.Integration.Infrastructure;

namespace VlWorker.Integration.Telemetry;

/// <summary>A real Prometheus scrapes a real worker, and answers what the dashboard asks.</summary>
public sealed class DashboardQueryTests(ObservedWorker observed) : IClassFixture<ObservedWorker>
{
    /// <summary>Shown only where there are GPUs, or a broker that is scraped, or something to show.</summary>
    private static readonly string[] Elsewhere = ["vlworker_gpu_", "rabbitmq_", "vlworker_out_of_memory_total", "ALERTS", "> 0"];

    [Fact]
    public async Task Every_panel_has_data()
    {
        await using var prometheus = await PrometheusServer.StartAsync(observed.Worker.Address("/metrics"));
        var queries = Queries().ToArray();
        Assert.True(queries.Length > 30, $"only {queries.Length} queries");

        for (var i = 0; i < 3; i++)
            await observed.ProduceAsync($"shown-{i}", "good.jpg");

        foreach (var query in queries)
        {
            if (Elsewhere.Any(text => query.Contains(text, StringComparison.Ordinal)))
                await prometheus.QueryAsync(query);
            else
                await Eventually.GetAsync(query, () => prometheus.QueryAsync(query), static result => result.GetArrayLength() > 0);
        }

        Assert.Equal(0, (await prometheus.QueryAsync("""ALERTS{alertstate="firing"}""")).GetArrayLength());
    }

    [Fact]
    public async Task Latencies_lead_to_traces()
    {
        await using var prometheus = await PrometheusServer.StartAsync(observed.Worker.Address("/metrics"));
        await observed.ProduceAsync("led-1", "good.jpg");

        var exemplars = await Eventually.GetAsync(
            "exemplars", () => prometheus.ExemplarsAsync("vlworker_stage_seconds_bucket"), static result => result.GetArrayLength() > 0);

        var traces = exemplars.EnumerateArray().SelectMany(static series => series.GetProperty("exemplars").EnumerateArray())
            .Select(static exemplar => exemplar.GetProperty("labels").GetProperty("trace_id").GetString()).ToHashSet();
        await Eventually.TrueAsync("the collector has the traces", () => traces.IsSubsetOf(observed.Receiver.Spans.Select(static span => span.Trace)));
    }

    private static IEnumerable<string> Queries() => Expressions(JsonDocument.Parse(File.ReadAllText(Repository.At("deploy", "grafana", "dashboards", "vlworker.json"))).RootElement)
        .Select(static query => query.Replace("$__rate_interval", "1m", StringComparison.Ordinal)
            .Replace("$instance", ".*", StringComparison.Ordinal).Replace("$price", "2.50", StringComparison.Ordinal)).Distinct();

    private static IEnumerable<string> Expressions(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => element.EnumerateObject().SelectMany(static property =>
            property.NameEquals("expr") ? [property.Value.GetString()!] : Expressions(property.Value)),
        JsonValueKind.Array => element.EnumerateArray().SelectMany(Expressions),
        _ => [],
    };
}
