using MassTransit;
using VlWorker.Contracts;
using VlWorker.Describing;
using VlWorker.Publishing;

namespace VlWorker.Consuming;

/// <summary>One message, one image, one linear method. Batches form behind it, in the batcher, so a bad message fails alone.</summary>
/// <remarks>
/// <code>
/// RabbitMQ -> RequestDeserializer -> Consume -> MessageSettler (settles whatever happens)
///                                                 -> validate -> ImageDescriber: plan -> fetch -> decode -> batcher -> compose
///                                                 -> published and confirmed -> Consume returns -> ack
/// </code>
/// </remarks>
internal sealed class DescribeImageConsumer(MessageSettler settler, ImageDescriber describer, ResultPublisher publisher, TimeProvider time)
    : IConsumer<DescribeImage>
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
        var description = await describer.DescribeAsync(request, delivery.Lane.Priority, cancellation, delivery.Mark);
        return new ImageDescribed
        {
            Id = request.Id!,
            JobId = request.JobId,
            Image = ResultBuilder.Build(description.Image, request.Image!),
            Outputs = description.Outputs,
            Timings = description.Timings with { Queued = (received - delivery.Properties.Timestamp)?.TotalMilliseconds },
            Context = request.Context,
            ProducedAt = time.GetUtcNow(),
        };
    }
}
