using MassTransit;
using VlWorker.Contracts;
using VlWorker.Describing;
using VlWorker.Publishing;

namespace VlWorker.Consuming;

/// <summary>One message, one text: the way of <see cref="DescribeImageConsumer"/> without an object to fetch.</summary>
internal sealed class DescribeTextConsumer(MessageSettler settler, TextDescriber describer, ResultPublisher publisher, TimeProvider time)
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
        var text = await describer.DescribeAsync(request, delivery.Lane.Priority, cancellation, delivery.Mark);
        return new TextDescribed
        {
            Id = request.Id!,
            JobId = request.JobId,
            Model = text.Model,
            ResultId = ResultIds.TextId(request.Text!, text.Model.Revision),
            Tokens = text.Tokens.Ids.Length,
            Truncated = text.Tokens.Truncated,
            Embedding = ResultBuilder.Build(text.Outcome, request.EmbeddingEncoding),
            Context = request.Context,
            ProducedAt = time.GetUtcNow(),
        };
    }
}
