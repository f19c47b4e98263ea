using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using VlWorker.Contracts;

namespace VlWorker.Bench.Messaging;

/// <summary>The least that such a worker can do: take a message, publish one of a result's size with a confirm, ack.</summary>
internal static class BareClient
{
    /// <summary>Consumes until cancelled.</summary>
    public static async Task<IAsyncDisposable> StartAsync(string broker, ushort prefetch)
    {
        var connection = await new ConnectionFactory { Uri = new Uri(broker) }.CreateConnectionAsync();
        var publisher = await connection.CreateChannelAsync(new CreateChannelOptions(true, true, new ThrottlingRateLimiter(1024, 100)));
        var channel = await connection.CreateChannelAsync(new CreateChannelOptions(false, false, consumerDispatchConcurrency: prefetch));
        await channel.BasicQosAsync(0, prefetch, false);
        var result = new byte[800];
        var consumer = new AsyncEventingBasicConsumer(channel);
        consumer.ReceivedAsync += async (_, args) =>
        {
            await publisher.BasicPublishAsync(Topology.ResultsExchange, "described.text.-", mandatory: true, new BasicProperties { Persistent = true }, result);
            await channel.BasicAckAsync(args.DeliveryTag, multiple: false);
        };
        await channel.BasicConsumeAsync(Topology.TextQueue, autoAck: false, consumer);
        return connection;
    }
}
