using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using VlWorker.Contracts;

namespace VlWorker.Bench.Pipeline;

/// <summary>Publishes requests with confirms, and hears of every answer on a queue of its own.</summary>
internal sealed class ResultsTap : IAsyncDisposable
{
    private readonly IConnection _connection;
    private readonly IChannel _publisher;

    private ResultsTap(IConnection connection, IChannel publisher) => (_connection, _publisher) = (connection, publisher);

    /// <summary>Connects; the topology must exist. The caller disposes it.</summary>
    /// <param name="broker">AMQP URI.</param>
    /// <param name="heard">Takes each answer as it arrives, one at a time.</param>
    public static async Task<ResultsTap> OpenAsync(string broker, Action<BasicDeliverEventArgs> heard)
    {
        var connection = await new ConnectionFactory { Uri = new Uri(broker) }.CreateConnectionAsync();
        var publisher = await connection.CreateChannelAsync(new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true));
        var channel = await connection.CreateChannelAsync();
        var queue = (await channel.QueueDeclareAsync()).QueueName;
        await channel.QueueBindAsync(queue, Topology.ResultsExchange, "#");
        var consumer = new AsyncEventingBasicConsumer(channel);
        consumer.ReceivedAsync += (_, delivery) =>
        {
            heard(delivery);
            return Task.CompletedTask;
        };
        await channel.BasicConsumeAsync(queue, autoAck: true, consumer);
        return new ResultsTap(connection, publisher);
    }

    /// <summary>Whether an answer is a result and no rejection.</summary>
    public static bool IsResult(BasicDeliverEventArgs delivery) => delivery.RoutingKey.StartsWith("described.", StringComparison.Ordinal);

    /// <summary>Publishes a request; returns when it is confirmed.</summary>
    public Task PublishAsync(string lane, DescribeImage request)
    {
        var properties = new BasicProperties { Persistent = true, MessageId = request.Id };
        return _publisher.BasicPublishAsync(Topology.RequestsExchange, lane, mandatory: true, properties, ContractsJson.Write(request)).AsTask();
    }

    public async ValueTask DisposeAsync()
    {
        await _publisher.DisposeAsync();
        await _connection.DisposeAsync();
    }
}
