using VlWorker.Integration.Infrastructure;

namespace VlWorker.Integration.Telemetry;

/// <summary>What a collector gets to see of messages: real bytes of the protocol, from both programs, over both of its transports.</summary>
public sealed class TraceTests(ObservedWorker observed) : IClassFixture<ObservedWorker>
{
    private const int Consumer = 5;
    private const int Producer = 4;
    private const int Failed = 2;

    [Fact]
    public async Task One_trace_leads_from_the_producer_through_the_stages_to_the_result()
    {
        await observed.ProduceAsync("traced-1", "good.jpg");

        var (sent, spans) = await TraceOfAsync("traced-1");
        var message = Assert.Single(spans, span => span.Span.Kind == Consumer);
        Assert.Equal((Producer, "vl.requests publish", ""), (sent.Span.Kind, sent.Span.Name, sent.Parent));
        Assert.Equal((sent.Id, "vl.describe.interactive process"), (message.Parent, message.Span.Name));
        Assert.Equal("vl-worker", message.Service);

        // Caption and embedding wait and run side by side, each in a batch of its own.
        var stages = spans.Where(span => span.Parent == message.Id && span.Span.Name != "batch").OrderBy(span => span.Span.StartTimeUnixNano).ToArray();
        Assert.Equal(
            ["batch-wait", "batch-wait", "decode", "fetch", "inference", "inference", "publish"], stages.Select(stage => stage.Span.Name).Order(StringComparer.Ordinal));
        Assert.All(stages, stage => Assert.InRange(stage.Span.StartTimeUnixNano, message.Span.StartTimeUnixNano, stage.Span.EndTimeUnixNano));
        Assert.All(stages, stage => Assert.InRange(stage.Span.EndTimeUnixNano, stage.Span.StartTimeUnixNano, message.Span.EndTimeUnixNano));
        Assert.Equal(["caption", "embedding"], stages.Where(stage => stage.Span.Name == "inference").Select(stage => stage.Tag("vlworker.task")).Order());
        Assert.Equal(("fetch", "decode", "publish"), (stages[0].Span.Name, stages[1].Span.Name, stages[^1].Span.Name));
    }

    [Fact]
    public async Task An_inference_links_to_its_batch_and_the_batch_to_all_its_messages()
    {
        await observed.DescribeAsync("batched-1", "batched-2", "batched-3", "batched-4");

        var batches = await Eventually.GetAsync(
            "a batch of several messages and their inferences",
            () => Task.FromResult(observed.Receiver.Spans.Where(span => span.Span.Name == "batch" && span.Span.Links.Count > 0).ToArray()),
            found => found.Length > 0 && found.All(batch => InferencesOf(batch).Length == batch.Span.Links.Count + 1));
        // A message's own span ends last, and comes last.
        var messages = await Eventually.GetAsync(
            "all four messages' spans",
            () => Task.FromResult(observed.Receiver.Spans.Where(span => span.Span.Kind == Consumer).Select(span => span.Id).ToHashSet()),
            found => batches.SelectMany(InferencesOf).All(inference => found.Contains(inference.Parent)));
        foreach (var batch in batches)
        {
            var linked = batch.Span.Links.Select(link => Convert.ToHexStringLower(link.SpanId.Span)).Append(batch.Parent).ToArray();
            Assert.Equal(linked.Order(), InferencesOf(batch).Select(inference => inference.Parent).Order());
            Assert.All(linked, id => Assert.Contains(id, messages));
            Assert.Equal($"{linked.Length}", batch.Tag("vlworker.batch.size"));
            Assert.Equal("cpu", batch.Tag("vlworker.device"));
        }
    }

    [Fact]
    public async Task A_rejected_message_is_an_error_with_its_reason()
    {
        await observed.ProduceAsync("traced-2", "nothing.jpg");

        var (_, spans) = await TraceOfAsync("traced-2");
        var message = Assert.Single(spans, span => span.Span.Kind == Consumer);
        var fetch = Assert.Single(spans, span => span.Span.Name == "fetch");
        Assert.Equal((Failed, "not-found"), (message.Span.Status.Code, message.Span.Status.Message));
        Assert.Equal(Failed, fetch.Span.Status.Code);
        Assert.DoesNotContain(spans, span => span.Span.Name == "inference");
    }

    [Fact]
    public async Task Latencies_carry_trace_ids_that_the_collector_has()
    {
        await observed.ProduceAsync("traced-3", "good.jpg");
        var (sent, _) = await TraceOfAsync("traced-3");

        var metrics = await observed.Worker.MetricsAsync("application/openmetrics-text");

        Assert.Matches($"vlworker_message_seconds_bucket.* # \\{{trace_id=\"[0-9a-f]{{32}}\"", metrics.Text);
        Assert.Matches($"vlworker_stage_seconds_bucket.* # \\{{trace_id=\"{sent.Trace}\"", metrics.Text);
    }

    private ReceivedSpan[] InferencesOf(ReceivedSpan batch) =>
    [
        .. observed.Receiver.Spans.Where(span => span.Span.Name == "inference" && span.Span.Links.Any(link => Convert.ToHexStringLower(link.SpanId.Span) == batch.Id)),
    ];

    /// <summary>The producer's span of a request, and all others of its trace once the message's own has arrived.</summary>
    private async Task<(ReceivedSpan Sent, ReceivedSpan[] Others)> TraceOfAsync(string id)
    {
        var sent = await Eventually.GetAsync(
            $"the producer's span of {id}",
            () => Task.FromResult(observed.Receiver.Spans.FirstOrDefault(span => span.Service == "vl-producer" && span.Tag("messaging.message.id") == id)),
            span => span is not null);
        var others = await Eventually.GetAsync(
            $"the worker's spans of {id}",
            () => Task.FromResult(observed.Receiver.Spans.Where(span => span.Trace == sent!.Trace && span.Id != sent.Id).ToArray()),
            spans => spans.Any(span => span.Span.Kind == Consumer));
        return (sent!, others);
    }
}
