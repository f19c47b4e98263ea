using MassTransit;
using MassTransit.RabbitMqTransport;
using VlWorker.Publishing;

namespace VlWorker.Consuming;

/// <summary>Reads a delivery from whichever transport brought it.</summary>
internal static class DeliveryReader
{
    public static Delivery Read(Lane lane, ReceiveContext context) => new(lane, context.Body.GetBytes(), PropertiesOf(context));

    /// <summary>MassTransit's own view of the properties knows GUIDs only: read them at the source.</summary>
    public static MessageProperties PropertiesOf(ReceiveContext context) => context.TryGetPayload<RabbitMqBasicConsumeContext>(out var rabbit)
        ? RabbitMqProperties.Read(rabbit.Properties)
        : InMemoryProperties.Read(context.TransportHeaders.GetAll());
}
