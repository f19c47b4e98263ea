using System.Diagnostics;
using MassTransit;
using VlWorker.Batching;
using VlWorker.Contracts;
using VlWorker.Decoding;
using VlWorker.Failures;
using VlWorker.Fetching;
using VlWorker.Inference;
using VlWorker.Publishing;
using VlWorker.Telemetry;

namespace VlWorker.Consuming;

/// <summary>One message, one image, one linear method. Batches form behind it, in the batcher, so a bad message fails alone.</summary>
/// <remarks>
/// <code>
/// RabbitMQ -> RequestDeserializer -> Consume -> MessageSettler (settles whatever happens)
///                                                 -> DescribeAsync: validate -> plan -> fetch -> decode -> batcher -> compose
///                                                 -> published and confirmed -> Consume returns -> ack
/// </code>
/// Memory: the fetched bytes are given back after decoding; each prepared image belongs to the batcher from its submission on.
/// </remarks>
internal sealed class DescribeImageConsumer(
    MessageSettler settler,
    RequestPlanner planner,
    IObjectStore store,
    ImageDecoder decoder,
    DynamicBatcher batcher,
    ResultPublisher publisher,
    WorkerMetrics metrics,
    TimeProvider time) : IConsumer<DescribeImage>
{
    /// <inheritdoc/>
    public Task Consume(ConsumeContext<DescribeImage> context)
    {
        var delivery = context.GetPayload<Delivery>();
        var facts = RequestFacts.Of(context.Message, delivery);
        var request = context.Message with { Id = facts.Id };
        return settler.RunAsync(
            delivery,
            facts,
            async (address, cancellation) => publisher.Compose(await DescribeAsync(request, delivery, cancellation), address),
            context.CancellationToken);
    }

    private async Task<ImageDescribed> DescribeAsync(DescribeImage request, Delivery delivery, CancellationToken cancellation)
    {
        var received = time.GetUtcNow();
        RequestChecks.Validate(request.Validate());
        var plans = planner.Plan(request);
        RequestChecks.Deadline(request.Deadline, time, "before the image was fetched");

        var (image, decoded, timing) = await PrepareAsync(request, plans, cancellation);
        var outcomes = await InferAsync(request, plans, decoded, delivery.Lane.Priority, cancellation);
        metrics.Stage("batch-wait", outcomes.Max(outcome => outcome.Waited));
        metrics.Stage("inference", outcomes.Max(outcome => outcome.Ran));

        return new ImageDescribed
        {
            Id = request.Id!,
            JobId = request.JobId,
            Image = image,
            Outputs = [.. plans.Select((plan, i) => ResultBuilder.Build(plan, image, outcomes[i].Outcome, request.EmbeddingEncoding))],
            Timings = ResultBuilder.Time((received - delivery.Properties.Timestamp)?.TotalMilliseconds, timing.Fetch, timing.Decode, outcomes),
            Context = request.Context,
            ProducedAt = time.GetUtcNow(),
        };
    }

    private async Task<(DescribedImage Image, DecodedImage Decoded, (TimeSpan Fetch, TimeSpan Decode) Timing)> PrepareAsync(
        DescribeImage request, IReadOnlyList<TaskPlan> plans, CancellationToken cancellation)
    {
        var started = time.GetTimestamp();
        using var fetched = await Tracing.StageAsync("fetch", span => FetchAsync(request.Image!, span, cancellation));
        var fetch = time.GetElapsedTime(started);
        metrics.Stage("fetch", fetch);
        RequestChecks.Deadline(request.Deadline, time, "while the image was fetched");

        started = time.GetTimestamp();
        var content = fetched.Content;
        var decoded = await Tracing.StageAsync(
            "decode", _ => decoder.DecodeAsync(content, [.. plans.Select(plan => plan.Model.Images!.Resize)], cancellation));
        var decode = time.GetElapsedTime(started);
        metrics.Stage("decode", decode);
        var image = new DescribedImage
        {
            Bucket = request.Image!.Bucket!,
            Key = request.Image.Key!,
            VersionId = fetched.VersionId,
            Etag = fetched.Etag,
            Sha256 = fetched.Sha256,
            Bytes = fetched.Content.Length,
            Width = decoded.Width,
            Height = decoded.Height,
            Format = decoded.Format,
        };
        return (image, decoded, (fetch, decode));
    }

    private async Task<FetchedObject> FetchAsync(ImageReference image, Activity? span, CancellationToken cancellation)
    {
        var fetched = await store.FetchAsync(image, cancellation);
        span?.SetTag("vlworker.image.bytes", fetched.Content.Length);
        return fetched;
    }

    /// <summary>All tasks or none: the first to fail cancels the others, and all are over when this returns.</summary>
    private async Task<BatchedOutcome[]> InferAsync(
        DescribeImage request, IReadOnlyList<TaskPlan> plans, DecodedImage decoded, BatchPriority priority, CancellationToken cancellation)
    {
        using var siblings = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var rows = plans.Select((plan, i) => InferAsync(plan, decoded.Prepared[i])).ToArray();
        try
        {
            return await Task.WhenAll(rows);
        }
        catch
        {
            // Of several failures the one that caused the others counts.
            await (rows.FirstOrDefault(row => row.IsFaulted) ?? rows.First(row => row.IsCanceled));
            throw;
        }

        async Task<BatchedOutcome> InferAsync(TaskPlan plan, PreparedPixels pixels)
        {
            try
            {
                var input = new ImageInput(plan.Task, pixels, plan.Generation);
                return BatchSpans.Record(plan.Task, await batcher.SubmitAsync(input, plan.Model, priority, request.Deadline, siblings.Token));
            }
            catch
            {
                await siblings.CancelAsync();
                throw;
            }
        }
    }
}
