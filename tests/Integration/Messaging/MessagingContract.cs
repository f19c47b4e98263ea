using System.Diagnostics;
using System.Text;
using VlWorker.Contracts;
using VlWorker.Failures;
using VlWorker.Integration.Infrastructure;
using VlWorker.Publishing;

namespace VlWorker.Integration.Messaging;

/// <summary>What the worker promises to those who send it messages, whatever the transport.</summary>
public abstract class MessagingContract : MessagingTest
{
    [Fact]
    public async Task A_described_image_arrives_at_the_results_exchange_and_at_reply_to()
    {
        await Bench.PublishAsync(
            """{"id":"r1","jobId":"job 7","image":{"bucket":"b","key":"a/b.png"},"context":{"row":"12"},"unknownField":{"x":[1]}}""",
            new MessageProperties { ReplyTo = Bench.ReplyTo, ContentType = "application/json" },
            Topology.BackfillRoutingKey);

        var mail = await Bench.Results.NextAsync();
        var reply = await Bench.Replies.NextAsync();

        Assert.Equal("described.backfill.job_7", mail.RoutingKey);
        Assert.Equal(mail.Body, reply.Body);
        Assert.Equal("application/json", mail.Properties.ContentType);
        Assert.Equal("ImageDescribed", mail.Properties.Type);
        var image = mail.Answer.Image!;
        Assert.Equal(("r1", "job 7", "a/b.png"), (image.Id, image.JobId, image.Image.Key));
        Assert.Equal("12", image.Context!["row"]);
        Assert.Equal(["caption", "embedding"], image.Outputs.Select(output => output.Task));
        Assert.Equal("a caption", image.Outputs[0].Caption!.Text);
        Assert.Equal([0.6f, -0.8f], image.Outputs[1].Embedding!.Values);
        Assert.Equal(64, image.Outputs[0].ResultId.Length);
    }

    [Fact]
    public async Task The_same_request_gives_the_same_ids_again()
    {
        await Bench.PublishCaptionAsync("same");
        var first = await Bench.Results.NextAsync();
        await Bench.PublishCaptionAsync("same");
        var second = await Bench.Results.NextAsync();

        Assert.Equal(first.Answer.Image!.Outputs[0].ResultId, second.Answer.Image!.Outputs[0].ResultId);
        Assert.Equal(first.Properties.MessageId, second.Properties.MessageId);
    }

    [Fact]
    public async Task Another_answer_under_the_same_id_has_another_message_id()
    {
        await Bench.PublishCaptionAsync("same", "a.png");
        await Bench.PublishCaptionAsync("same", "b.png");
        await Bench.PublishAsync("""{"id":"same","image":{"bucket":"b","key":"a.png"},"tasks":[]}""");
        await Bench.PublishAsync("""{"id":"same","image":{"bucket":"b","key":"a.png"},"tasks":["none"]}""");

        Assert.Distinct((await Bench.Results.NextAsync(4)).Select(mail => mail.Properties.MessageId));
    }

    [Fact]
    public async Task A_text_is_embedded()
    {
        await Bench.PublishAsync("""{"id":"t1","text":"two cats","embeddingEncoding":"base64"}""", routingKey: Topology.TextRoutingKey);

        var mail = await Bench.Results.NextAsync();

        Assert.Equal("described.text.-", mail.RoutingKey);
        var text = mail.Answer.Text!;
        Assert.Equal(("t1", 8, 2), (text.Id, text.Tokens, text.Embedding.Dimensions));
        Assert.Equal([0x9a, 0x99, 0x19, 0x3f, 0xcd, 0xcc, 0x4c, 0xbf], Convert.FromBase64String(text.Embedding.Base64!));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("application/json")]
    [InlineData("application/json; charset=utf-8")]
    [InlineData("application/vnd.masstransit+json")]
    [InlineData("text/plain")]
    [InlineData("no content type at all")]
    public async Task The_content_type_does_not_matter(string? contentType)
    {
        await Bench.PublishAsync(
            """{"id":"c1","image":{"bucket":"b","key":"a.png"}}""", new MessageProperties { ContentType = contentType });

        Assert.Equal("c1", (await Bench.Results.NextAsync()).Answer.Id);
    }

    [Fact]
    public async Task Ids_of_any_form_and_the_trace_context_are_carried_on()
    {
        var properties = new MessageProperties
        {
            MessageId = "order/42 äö",
            CorrelationId = "not-a-guid",
            Timestamp = DateTimeOffset.UtcNow.AddSeconds(-5),
            Headers = new Dictionary<string, object?>
            {
                ["traceparent"] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                ["tracestate"] = "vendor=1",
            },
        };
        await Bench.PublishAsync("""{"image":{"bucket":"b","key":"a.png"}}""", properties);
        await Bench.PublishAsync("""{"image":{"bucket":"b","key":"a.png"}}""", properties with { CorrelationId = null });

        var mails = await Bench.Results.NextAsync(2);

        Assert.All(mails, mail => Assert.Equal("order/42 äö", mail.Answer.Id));
        Assert.Equal(["not-a-guid", "order/42 äö"], mails.Select(mail => mail.Properties.CorrelationId).Order(StringComparer.Ordinal));
        Assert.All(mails, mail => Assert.StartsWith("00-0af7651916cd43dd8448eb211c80319c-", mail.Properties.Text("traceparent"), StringComparison.Ordinal));
        Assert.All(mails, mail => Assert.Equal("vendor=1", mail.Properties.Text("tracestate")));
        Assert.InRange(mails[0].Answer.Image!.Timings.Queued!.Value, 4000, 60000);
    }

    [Fact]
    public async Task An_activity_continues_the_senders_trace()
    {
        var trace = ActivityTraceId.CreateRandom().ToHexString();
        var seen = new List<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "VlWorker",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = activity => { lock (seen) seen.Add(activity); },
        };
        ActivitySource.AddActivityListener(listener);

        await Bench.PublishAsync(
            """{"id":"a1","image":{"bucket":"b","key":"a.png"}}""",
            new MessageProperties { Headers = new Dictionary<string, object?> { ["traceparent"] = $"00-{trace}-b7ad6b7169203331-01" } });
        var mail = await Bench.Results.NextAsync();
        await Eventually.TrueAsync("the activity to end", () => { lock (seen) return seen.Exists(IsMessage); });

        Activity one;
        lock (seen)
            one = seen.Single(IsMessage);
        Assert.Equal("b7ad6b7169203331", one.ParentSpanId.ToHexString());
        Assert.Equal(one.Id, mail.Properties.Text("traceparent"));

        bool IsMessage(Activity activity) => activity.Kind == ActivityKind.Consumer && activity.TraceId.ToHexString() == trace;
    }

    [Theory]
    [InlineData("""{"id":"x","tasks":[]}""", "image is missing; tasks is empty")]
    [InlineData("""{"id":"x","image":{"bucket":7,"key":"k"}}""", "$.image.bucket")]
    [InlineData("""{"id":"x","image":"s3://b/k"}""", "$.image")]
    public async Task A_bad_request_is_rejected_with_all_its_faults(string json, string detail)
    {
        await Bench.PublishAsync(json, new MessageProperties { ReplyTo = Bench.ReplyTo, CorrelationId = "c" });

        var mail = await Bench.Results.NextAsync();
        var reply = await Bench.Replies.NextAsync();

        Assert.Equal("rejected.interactive.-", mail.RoutingKey);
        Assert.Equal(("x", RejectionReason.BadRequest), (mail.Answer.Rejection!.Id, mail.Answer.Rejection.Reason));
        Assert.Contains(detail, mail.Answer.Rejection.Detail, StringComparison.Ordinal);
        Assert.Equal(("c", "ImageRejected"), (reply.Properties.CorrelationId, reply.Properties.Type));
    }

    [Theory]
    [InlineData("{\"id\":\"x\",")]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("\u0001\u0002")]
    public async Task What_is_no_request_becomes_a_dead_letter(string body)
    {
        await Bench.PublishAsync(body, new MessageProperties { MessageId = "m", Headers = new Dictionary<string, object?> { ["own"] = "kept" } });

        var mail = await Bench.DeadLetters.NextAsync();

        Assert.Equal(Encoding.UTF8.GetBytes(body), mail.Body);
        Assert.Equal((DeadLetterReason.MalformedJson, "kept", "m"), (mail.Properties.Text(Topology.DeadReasonHeader), mail.Properties.Text("own"), mail.Properties.MessageId));
        Assert.Equal(Topology.InteractiveQueue, mail.Properties.Text(Topology.OriginHeader));
        Assert.NotEmpty(mail.Properties.Text(Topology.DeadErrorHeader)!);
        Assert.Equal(0, Bench.Results.Count);
    }

    [Theory]
    [InlineData("""{"id":"x","image":{"bucket":"b","key":"k"},"tasks":["paint"]}""", RejectionReason.UnsupportedTask)]
    [InlineData("""{"id":"x","image":{"bucket":"b","key":"k"},"prompt":"a photo of"}""", RejectionReason.PromptNotSupported)]
    [InlineData("""{"id":"x","image":{"bucket":"b","key":"k"},"deadline":"2020-01-01T00:00:00Z"}""", RejectionReason.Expired)]
    [InlineData("""{"id":"x","image":{"bucket":"b","key":"gone"}}""", RejectionReason.NotFound)]
    public async Task A_request_that_can_never_be_served_is_rejected(string json, string reason)
    {
        Bench.Worker.Store.On("gone", _ => throw new RejectedException(RejectionReason.NotFound, "no such key"));

        await Bench.PublishAsync(json);

        Assert.Equal(reason, (await Bench.Results.NextAsync()).Answer.Rejection!.Reason);
    }
}

public sealed class InMemoryMessagingTests : MessagingContract
{
    private protected override async Task<MessagingBench> StartAsync() => await InMemoryBench.StartAsync();
}

public sealed class RabbitMqMessagingTests : MessagingContract
{
    private protected override async Task<MessagingBench> StartAsync() => await RabbitMqBench.StartAsync();
}
