using System.Text;
using VlWorker.Consuming;
using VlWorker.Contracts;
using VlWorker.Publishing;

namespace VlWorker.Integration.Messaging;

/// <summary>A worker with its broker, as a client sees them.</summary>
internal abstract class MessagingBench : IAsyncDisposable
{
    public abstract TestWorker Worker { get; }

    /// <summary>What is published to the results exchange.</summary>
    public Mailbox Results { get; } = new();

    /// <summary>What is published to the reply queue.</summary>
    public Mailbox Replies { get; } = new();

    /// <summary>Dead letters.</summary>
    public Mailbox DeadLetters { get; } = new();

    /// <summary>The name to give as reply-to.</summary>
    public abstract string ReplyTo { get; }

    /// <summary>Publishes a request.</summary>
    public abstract Task PublishAsync(string routingKey, byte[] body, MessageProperties properties);

    /// <inheritdoc cref="PublishAsync(string, byte[], MessageProperties)"/>
    public Task PublishAsync(string json, MessageProperties? properties = null, string routingKey = Topology.InteractiveRoutingKey) =>
        PublishAsync(routingKey, Encoding.UTF8.GetBytes(json), properties ?? new MessageProperties());

    /// <summary>Publishes a request for the caption of one image.</summary>
    public Task PublishCaptionAsync(string id, string key = "a.png", string routingKey = Topology.InteractiveRoutingKey) =>
        PublishAsync($$"""{"id":"{{id}}","image":{"bucket":"b","key":"{{key}}"},"tasks":["caption"]}""", routingKey: routingKey);

    public abstract ValueTask DisposeAsync();
}
