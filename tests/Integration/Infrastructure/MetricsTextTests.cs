namespace VlWorker.Integration.Infrastructure;

public sealed class MetricsTextTests
{
    private const string Scrape = """
        # HELP images_total Images.
        # TYPE images_total counter
        images_total{outcome="described",lane="backfill"} 3
        images_total{outcome="described",lane="interactive"} 4.5
        images_total{outcome="re\"jected, {odd}",lane="backfill"} 1
        up 1
        wait_seconds_bucket{le="+Inf"} +Inf 1700000000000
        """;

    [Fact]
    public void Sums_what_has_the_labels()
    {
        var metrics = new MetricsText(Scrape);

        Assert.Equal(8.5, metrics.Sum("images_total"));
        Assert.Equal(7.5, metrics.Sum("images_total", ("outcome", "described")));
        Assert.Equal(4.5, metrics.Sum("images_total", ("outcome", "described"), ("lane", "interactive")));
        Assert.Equal(1, metrics.Sum("images_total", ("outcome", "re\"jected, {odd}")));
        Assert.Equal(0, metrics.Sum("images_total", ("outcome", "none")));
        Assert.Equal((1d, double.PositiveInfinity), (metrics.Sum("up"), metrics.Sum("wait_seconds_bucket")));
        Assert.True(metrics.Has("up") && !metrics.Has("down"));
    }
}
