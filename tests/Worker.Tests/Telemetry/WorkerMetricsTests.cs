using System.Diagnostics;
using Microsoft.Extensions.Time.Testing;
using Prometheus;
using VlWorker.Contracts;
using VlWorker.Telemetry;

namespace VlWorker.Worker.Tests.Telemetry;

public sealed class WorkerMetricsTests
{
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UnixEpoch.AddYears(60));
    private readonly WorkerMetrics _metrics;

    public WorkerMetricsTests() => _metrics = new WorkerMetrics(Metrics.NewCustomRegistry(), _time);

    [Fact]
    public async Task The_oldest_message_in_hand_gives_a_lane_its_age()
    {
        var published = _time.GetUtcNow();
        using var young = _metrics.InFlight("interactive", published);
        var old = _metrics.InFlight("interactive", published.AddSeconds(-30));
        using var unstamped = _metrics.InFlight("backfill", null);
        _time.Advance(TimeSpan.FromSeconds(5));

        var both = await ScrapeAsync();
        old.Dispose();
        var one = await ScrapeAsync();

        Assert.Contains("vlworker_oldest_message_seconds{lane=\"interactive\"} 35\n", both, StringComparison.Ordinal);
        Assert.Contains("vlworker_oldest_message_seconds{lane=\"backfill\"} 5\n", both, StringComparison.Ordinal);
        Assert.Contains("vlworker_oldest_message_seconds{lane=\"text\"} 0\n", both, StringComparison.Ordinal);
        Assert.Contains("vlworker_in_flight_messages{lane=\"interactive\"} 2\n", both, StringComparison.Ordinal);
        Assert.Contains("vlworker_oldest_message_seconds{lane=\"interactive\"} 5\n", one, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_message_from_a_clock_that_is_ahead_is_not_younger_than_nothing()
    {
        using var message = _metrics.InFlight("text", _time.GetUtcNow().AddMinutes(1));

        Assert.Contains("vlworker_oldest_message_seconds{lane=\"text\"} 0\n", await ScrapeAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_has_not_happened_counts_zero_so_that_the_first_event_has_a_rate()
    {
        var scrape = await ScrapeAsync();

        foreach (var reason in RejectionReason.All)
            Assert.Contains($"vlworker_rejections_total{{reason=\"{reason}\"}} 0\n", scrape, StringComparison.Ordinal);
        foreach (var reason in DeadLetterReason.All)
            Assert.Contains($"vlworker_dead_letters_total{{reason=\"{reason}\"}} 0\n", scrape, StringComparison.Ordinal);
        Assert.Contains("vlworker_messages_total{lane=\"backfill\",outcome=\"dead\"} 0\n", scrape, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Times_carry_the_trace_in_which_they_were_measured_if_it_is_recorded()
    {
        using var recorded = new Activity("one").SetIdFormat(ActivityIdFormat.W3C);
        recorded.ActivityTraceFlags = ActivityTraceFlags.Recorded;
        recorded.Start();
        _metrics.Message("interactive", TimeSpan.FromSeconds(0.3));
        recorded.Stop();
        using var silent = new Activity("two").SetIdFormat(ActivityIdFormat.W3C).Start();
        _metrics.Stage("decode", TimeSpan.FromSeconds(0.3));

        var scrape = await MetricsPage.ScrapeAsync(_metrics.Registry, ExpositionFormat.OpenMetricsText);

        var bucket = scrape.Split('\n').Single(line => line.StartsWith("vlworker_message_seconds_bucket{lane=\"interactive\",le=\"0.5\"}", StringComparison.Ordinal));
        Assert.Contains($"trace_id=\"{recorded.TraceId}\"", bucket, StringComparison.Ordinal);
        Assert.DoesNotContain(silent.TraceId.ToString(), scrape, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_batch_shows_how_full_it_was()
    {
        _metrics.Batch("captioner", "cpu", 12, 16, TimeSpan.FromMilliseconds(40));

        var scrape = await ScrapeAsync();

        Assert.Contains("vlworker_batch_fill_ratio_sum{model=\"captioner\",device=\"cpu\"} 0.75\n", scrape, StringComparison.Ordinal);
        Assert.Contains("vlworker_batch_size_sum{model=\"captioner\",device=\"cpu\"} 12\n", scrape, StringComparison.Ordinal);
    }

    private Task<string> ScrapeAsync() => MetricsPage.ScrapeAsync(_metrics.Registry);
}
