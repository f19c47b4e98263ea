using System.Net.Mime;
using System.Text;
using MassTransit;
using VlWorker.Contracts;

namespace VlWorker.Publishing;

/// <summary>Publishes into MassTransit's in-memory transport: the same exchanges, keys and bytes, inside this process.</summary>
/// <remarks>It has no confirms and no returns: a message that no queue is bound for is gone, mandatory or not.</remarks>
internal sealed class InMemoryPublisher(ISendEndpointProvider bus) : IBrokerPublisher
{
    /// <inheritdoc/>
    public async Task PublishAsync(
        string exchange, string routingKey, ReadOnlyMemory<byte> body, MessageProperties properties, bool mandatory, CancellationToken cancellation)
    {
        // A wait queue is a delay on the way back to the requests; the routing key stays.
        var wait = Topology.WaitQueues.FirstOrDefault(queue => queue.Name == exchange);
        var endpoint = await bus.GetSendEndpoint(AddressOf(wait is null ? exchange : Topology.RequestsExchange, routingKey));
        await endpoint.Send(new RawMessage(body.ToArray()), context =>
        {
            context.Serializer = RawSerializer.Instance;
            context.SetRoutingKey(routingKey);
            context.Delay = wait?.Delay;
            foreach (var (name, value) in InMemoryProperties.Write(properties))
                context.Headers.Set(name, value);
        }, cancellation);
    }

    /// <inheritdoc/>
    public Task ProbeAsync(CancellationToken cancellation) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task<IReadOnlyDictionary<string, long>> DepthsAsync(IReadOnlyList<string> queues, CancellationToken cancellation) =>
        Task.FromResult<IReadOnlyDictionary<string, long>>(new Dictionary<string, long>());

    private static Uri AddressOf(string exchange, string routingKey)
    {
        var name = exchange.Length == 0 ? routingKey : exchange;
        var type = exchange switch
        {
            Topology.RequestsExchange => "Direct",
            Topology.ResultsExchange => "Topic",
            _ => "FanOut",
        };
        return new Uri($"exchange:{Uri.EscapeDataString(name)}?type={type}");
    }

    /// <summary>Bytes that are sent as they are.</summary>
    internal sealed record RawMessage(byte[] Body);

    private sealed class RawSerializer : IMessageSerializer
    {
        public static readonly RawSerializer Instance = new();

        public ContentType ContentType { get; } = new("application/octet-stream");

        public MessageBody GetMessageBody<T>(SendContext<T> context)
            where T : class =>
            context.Message is RawMessage raw ? new RawBody(raw.Body) : throw new InvalidOperationException("only raw messages are sent");
    }

    private sealed class RawBody(byte[] bytes) : MessageBody
    {
        public long? Length => bytes.Length;

        public Stream GetStream() => new MemoryStream(bytes, writable: false);

        public byte[] GetBytes() => bytes;

        public string GetString() => Encoding.UTF8.GetString(bytes);
    }
}
