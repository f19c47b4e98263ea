using Microsoft.Extensions.Time.Testing;
using VlWorker.Serving.Status;

namespace VlWorker.Worker.Tests.Serving.Status;

public sealed class MetricsSampleTests
{
    private const string Text = """
        # HELP vlworker_messages_total Messages by outcome.
        # TYPE vlworker_messages_total counter
        vlworker_messages_total{lane="interactive",outcome="described"} 40
        vlworker_messages_total{lane="interactive",outcome="rejected"} 2
        vlworker_messages_total{lane="text",outcome="described"} 5
        vlworker_batcher_waiting_rows 3
        vlworker_batch_size_bucket{model="a \"b\" \\ c",device="cpu",le="+Inf"} 1e3
        vlworker_batch_limit_rows{model="m",device="cpu"} NaN
        vlworker_batch_limit_rows{model="n",device="cpu"} +Inf 1700000000000
        process_cpu_seconds_total 12
        """;

    [Fact]
    public void Series_are_found_by_name_and_labels()
    {
        var sample = MetricsSample.Parse(Text, 0);

        Assert.Equal(47, sample.Sum("vlworker_messages_total"));
        Assert.Equal(40, sample.Sum("vlworker_messages_total", ("lane", "interactive"), ("outcome", "described")));
        Assert.Equal(3, sample.Sum("vlworker_batcher_waiting_rows"));
        Assert.Equal(0, sample.Sum("vlworker_batch_limit_rows"));
        Assert.Equal(0, sample.Sum("process_cpu_seconds_total"));
        var (labels, value) = Assert.Single(sample.Series("vlworker_batch_size_bucket"));
        Assert.Equal(("a \"b\" \\ c", "+Inf", 1000d), (labels["model"], labels["le"], value));
    }

    [Fact]
    public void Rates_and_means_are_those_of_the_last_minute()
    {
        var time = new FakeTimeProvider();
        var history = new StatusHistory(time);
        for (var second = 0; second <= 90; second++)
        {
            // 2 images a second for half a minute, then 10.
            var images = second <= 30 ? 2 * second : 60 + (10 * (second - 30));
            history.Add(MetricsSample.Parse(
                $"vlworker_stage_seconds_count{{stage=\"decode\"}} {images}\nvlworker_stage_seconds_sum{{stage=\"decode\"}} {images * 0.25}", time.GetTimestamp()));
            time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.Equal(10, history.ImagesPerSecond, 6);
        Assert.Equal(60, history.Seconds, 6);
        Assert.Equal(0.25, history.Mean("vlworker_stage_seconds", ("stage", "decode"))!.Value, 6);
        Assert.Null(history.Mean("vlworker_stage_seconds", ("stage", "publish")));
        Assert.Equal(90, history.Throughput.Count);
        Assert.Equal((2d, 10d), (Math.Round(history.Throughput[0], 6), Math.Round(history.Throughput[^1], 6)));
    }
}
