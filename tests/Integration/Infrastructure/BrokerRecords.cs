using System.Text;
using RabbitMQ.Client;

namespace VlWorker.Integration.Infrastructure;

/// <summary>A message taken from a queue.</summary>
public sealed record ReceivedMessage(string Exchange, string RoutingKey, bool Redelivered, BasicProperties Properties, byte[] Body)
{
    /// <summary>The body as UTF-8.</summary>
    public string Text => Encoding.UTF8.GetString(Body);

    /// <summary>A header as text, or null: AMQP strings arrive as bytes.</summary>
    public string? Header(string name) => Properties.Headers?.TryGetValue(name, out var value) != true ? null : value switch
    {
        byte[] bytes => Encoding.UTF8.GetString(bytes),
        _ => value?.ToString(),
    };
}

/// <summary>An exchange; arguments as text.</summary>
public sealed record ExchangeInfo(string Name, string Type, bool Durable, IReadOnlyDictionary<string, string> Arguments);

/// <summary>A queue; arguments as text.</summary>
public sealed record QueueInfo(string Name, bool Durable, IReadOnlyDictionary<string, string> Arguments);

/// <summary>A binding.</summary>
public sealed record BindingInfo(string Source, string DestinationType, string Destination, string RoutingKey);
