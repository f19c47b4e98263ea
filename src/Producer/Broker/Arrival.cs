using RabbitMQ.Client;

namespace VlWorker.Producer.Broker;

/// <summary>A message taken from a queue and not yet acknowledged.</summary>
/// <param name="Tag">For the acknowledgement, on the channel it came by.</param>
/// <param name="Body">The bytes; the receiver's own copy.</param>
/// <param name="Exchange">The exchange it was published to.</param>
/// <param name="Properties">Its AMQP properties.</param>
/// <param name="Redelivered">Whether it was delivered before.</param>
/// <param name="RoutingKey">The routing key it was published with.</param>
internal sealed record Arrival(
    ulong Tag, byte[] Body, string Exchange, IReadOnlyBasicProperties Properties, bool Redelivered, string RoutingKey = "");
