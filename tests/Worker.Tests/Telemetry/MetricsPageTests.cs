namespace VlWorker.Worker.Tests.Telemetry;

public sealed class MetricsPageTests
{
    [Fact]
    public async Task The_page_has_every_metric_of_the_worker_and_no_other()
    {
        var exposed = MetricsPage.Families(await MetricsPage.ScrapeAsync())
            .Where(family => family.Key.StartsWith("vlworker_", StringComparison.Ordinal)).Select(family => $"{family.Key}: {family.Value}");

        Assert.Equal(exposed.Order(), MetricsPage.Read().Select(metric => $"{metric.Name}: {metric.Kind}").Order());
    }

    [Fact]
    public async Task The_process_shows_its_processor_time_and_memory()
    {
        var families = MetricsPage.Families(await MetricsPage.ScrapeAsync());

        Assert.Contains("process_cpu_seconds_total", families.Keys);
        Assert.Contains("process_working_set_bytes", families.Keys);
        Assert.Contains("dotnet_collection_count_total", families.Keys);
    }
}
