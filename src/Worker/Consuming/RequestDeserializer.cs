using System.Diagnostics.CodeAnalysis;
using System.Net.Mime;
using MassTransit;
using MassTransit.Serialization;
using VlWorker.Contracts;

namespace VlWorker.Consuming;

/// <summary>Plain JSON for MassTransit: no envelope, whatever the content-type says or does not say, ids and properties read by us.</summary>
/// <remarks>
/// It never fails: an unreadable body gives an empty request whose <see cref="Delivery.Unreadable"/> is set, because a failure here would reach
/// neither the consumer nor the sender.
/// </remarks>
internal sealed class RequestDeserializer(Lane lane) : IMessageDeserializer, IMessageSerializer, ISerializerFactory
{
    /// <inheritdoc/>
    public ContentType ContentType { get; } = new("application/json");

    /// <inheritdoc/>
    public IMessageSerializer CreateSerializer() => this;

    /// <inheritdoc/>
    public IMessageDeserializer CreateDeserializer() => this;

    /// <inheritdoc/>
    public ConsumeContext Deserialize(ReceiveContext receiveContext)
    {
        var delivery = DeliveryReader.Read(lane, receiveContext);
        receiveContext.AddOrUpdatePayload(() => delivery, _ => delivery);
        return new BodyConsumeContext(receiveContext, new Context(delivery, receiveContext, this));
    }

    /// <inheritdoc/>
    public SerializerContext Deserialize(MessageBody body, Headers headers, Uri? destinationAddress = null) =>
        throw new NotSupportedException("requests are read from the transport only");

    /// <inheritdoc/>
    public MessageBody GetMessageBody(string text) => new StringMessageBody(text);

    /// <inheritdoc/>
    public MessageBody GetMessageBody<T>(SendContext<T> context)
        where T : class =>
        throw new NotSupportedException("messages are sent by the broker publisher, not by the bus");

    /// <inheritdoc/>
    public void Probe(ProbeContext context) => context.CreateScope("plainJson").Add("contentType", ContentType.MediaType);

    /// <summary>MassTransit's view of a delivery. It knows none of MassTransit's own ids and addresses: nothing here uses them.</summary>
    private sealed class Context(Delivery delivery, ReceiveContext receive, RequestDeserializer serializer) : SerializerContext
    {
        public Guid? MessageId => null;

        public Guid? RequestId => null;

        public Guid? CorrelationId => null;

        public Guid? ConversationId => null;

        public Guid? InitiatorId => null;

        public DateTime? ExpirationTime => null;

        public Uri? SourceAddress => null;

        public Uri? DestinationAddress => receive.InputAddress;

        public Uri? ResponseAddress => null;

        public Uri? FaultAddress => null;

        public DateTime? SentTime => null;

        public Headers Headers => receive.TransportHeaders;

        public HostInfo Host => MassTransit.Metadata.HostMetadataCache.Empty;

        public string[] SupportedMessageTypes => [];

        public bool IsSupportedMessageType<T>()
            where T : class => IsSupportedMessageType(typeof(T));

        public bool IsSupportedMessageType(Type messageType) =>
            messageType == (delivery.Lane.Kind == LaneKind.Text ? typeof(DescribeText) : typeof(DescribeImage));

        public bool TryGetMessage<T>(out T? message)
            where T : class
        {
            message = TryGetMessage(typeof(T), out var found) ? (T)found : null;
            return message is not null;
        }

        public bool TryGetMessage(Type messageType, [NotNullWhen(true)] out object? message)
        {
            message = !IsSupportedMessageType(messageType) ? null
                : messageType == typeof(DescribeText) ? RequestReader.ReadText(delivery)
                : RequestReader.ReadImage(delivery);
            return message is not null;
        }

        public T? DeserializeObject<T>(object? value, T? defaultValue = null)
            where T : class => value as T ?? defaultValue;

        public T? DeserializeObject<T>(object? value, T? defaultValue = null)
            where T : struct => value as T? ?? defaultValue;

        public MessageBody SerializeObject(object? value) => throw new NotSupportedException();

        public IMessageSerializer GetMessageSerializer() => serializer;

        public IMessageSerializer GetMessageSerializer<T>(MessageEnvelope envelope, T message)
            where T : class => serializer;

        public IMessageSerializer GetMessageSerializer(object message, string[] messageTypes) => serializer;

        public Dictionary<string, object> ToDictionary<T>(T? message)
            where T : class => [];
    }
}
