using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using VlWorker.Contracts;
using VlWorker.Integration.Infrastructure;

namespace VlWorker.Integration.EndToEnd;

/// <summary>A publisher of jobs that keeps every answer it hears of, on a queue of its own that is bound to all results.</summary>
public sealed class Client : IAsyncDisposable
{
    /// <summary>The queue of the answers.</summary>
    public const string Queue = "test.answers";

    private readonly BrokerAccess _broker;
    private readonly ConcurrentDictionary<string, ConcurrentQueue<Answer>> _answers = new();
    private IConnection? _connection;

    private Client(BrokerAccess broker) => _broker = broker;

    /// <summary>Answers by the request's id.</summary>
    public IReadOnlyDictionary<string, ConcurrentQueue<Answer>> Answers => _answers;

    /// <summary>Connects; the worker must have declared the topology.</summary>
    public static async Task<Client> ConnectAsync(BrokerAccess broker)
    {
        var client = new Client(broker);
        await client.ListenAsync();
        return client;
    }

    /// <summary>Listens again, after the broker was away. The queue is durable: nothing is missed.</summary>
    public async Task ListenAsync()
    {
        if (_connection is not null)
            await _connection.DisposeAsync();
        _connection = await _broker.ConnectAsync();
        var channel = await _connection.CreateChannelAsync();
        await DeclareAsync(channel);
        var consumer = new AsyncEventingBasicConsumer(channel);
        consumer.ReceivedAsync += async (_, delivery) =>
        {
            var answer = Answer.Read(delivery.Body.Span);
            _answers.GetOrAdd(answer.Id, _ => new()).Enqueue(answer);
            await channel.BasicAckAsync(delivery.DeliveryTag, multiple: false);
        };
        await channel.BasicConsumeAsync(Queue, autoAck: false, consumer);
    }

    /// <summary>Makes the queue and binds it to all results.</summary>
    public static async Task DeclareAsync(IChannel channel)
    {
        ArgumentNullException.ThrowIfNull(channel);
        await channel.QueueDeclareAsync(Queue, durable: true, exclusive: false, autoDelete: false, new Dictionary<string, object?> { ["x-queue-type"] = "quorum" });
        await channel.QueueBindAsync(Queue, Topology.ResultsExchange, "#");
    }

    /// <summary>Publishes bytes as they are.</summary>
    public Task PublishAsync(string body, string lane = Topology.InteractiveRoutingKey, string? contentType = "application/json", string? messageId = null)
    {
        var properties = new BasicProperties { Persistent = true };
        if (contentType is not null)
            properties.ContentType = contentType;
        if (messageId is not null)
            properties.MessageId = messageId;
        return _broker.PublishAsync(Topology.RequestsExchange, lane, Encoding.UTF8.GetBytes(body), properties);
    }

    /// <summary>Publishes a request for one image.</summary>
    public Task PublishAsync(DescribeImage request, string lane = Topology.InteractiveRoutingKey) =>
        PublishAsync(Encoding.UTF8.GetString(ContractsJson.Write(request)), lane);

    /// <summary>Waits for an answer to each of the ids.</summary>
    public async Task AwaitAsync(IReadOnlyCollection<string> ids, TimeSpan? timeout = null) =>
        await Eventually.GetAsync(
            $"an answer to each of {ids.Count} requests",
            () => Task.FromResult(ids.Where(id => !_answers.ContainsKey(id)).Take(10).ToArray()),
            missing => missing.Length == 0,
            timeout);

    /// <summary>Waits for the one answer to a request.</summary>
    public async Task<Answer> AwaitAsync(string id)
    {
        await AwaitAsync([id]);
        return Assert.Single(_answers[id]);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_connection is not null)
            await _connection.DisposeAsync();
    }
}
