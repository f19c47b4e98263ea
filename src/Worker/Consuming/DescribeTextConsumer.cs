using MassTransit;
using VlWorker.Batching;
using VlWorker.Contracts;
using VlWorker.Inference;
using VlWorker.Publishing;
using VlWorker.Telemetry;

namespace VlWorker.Consuming;

/// <summary>One message, one text: the way of <see cref="DescribeImageConsumer"/> without an object to fetch.</summary>
internal sealed class DescribeTextConsumer(
    MessageSettler settler, RequestPlanner planner, DynamicBatcher batcher, ResultPublisher publisher, WorkerMetrics metrics, TimeProvider time)
    : IConsumer<DescribeText>
{
    /// <inheritdoc/>
    public Task Consume(ConsumeContext<DescribeText> context)
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

    private async Task<TextDescribed> DescribeAsync(DescribeText request, Delivery delivery, CancellationToken cancellation)
    {
        RequestChecks.Validate(request.Validate());
        var model = planner.Plan(request);
        RequestChecks.Deadline(request.Deadline, time, "before the text was read");

        var tokens = model.Tokenize(request.Text!);
        var outcome = BatchSpans.Record(
            Tasks.Embedding, await batcher.SubmitAsync(new TextInput(tokens), model, delivery.Lane.Priority, request.Deadline, cancellation));
        metrics.Stage("batch-wait", outcome.Waited);
        metrics.Stage("inference", outcome.Ran);
        return new TextDescribed
        {
            Id = request.Id!,
            JobId = request.JobId,
            Model = model.Reference,
            ResultId = ResultIds.TextId(request.Text!, model.Reference.Revision),
            Tokens = tokens.Ids.Length,
            Truncated = tokens.Truncated,
            Embedding = ResultBuilder.Build((EmbeddingOutcome)outcome.Outcome, request.EmbeddingEncoding),
            Context = request.Context,
            ProducedAt = time.GetUtcNow(),
        };
    }
}
