using System.Runtime.CompilerServices;
using System.Threading.Channels;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using RabbitMQ.Client.Exceptions;

namespace VlWorker.Producer.Broker;

/// <summary>Takes messages from a queue: what is there, or whatever comes.</summary>
/// <param name="channel">A channel of its own.</param>
/// <param name="queue">The queue's name.</param>
internal sealed class ArrivalReader(IChannel channel, string queue)
{
    /// <summary>Takes what is in the queue and ends when it is empty.</summary>
    /// <exception cref="ProducerException">No such queue, or the connection is gone.</exception>
    public async IAsyncEnumerable<Arrival> DrainAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        while (await GuardAsync(() => channel.BasicGetAsync(queue, autoAck: false, cancellation)) is { } message)
        {
            yield return new Arrival(
                message.DeliveryTag, message.Body.ToArray(), message.Exchange, message.BasicProperties, message.Redelivered, message.RoutingKey);
        }
    }

    /// <summary>Takes what comes until it is cancelled.</summary>
    /// <param name="prefetch">Messages taken and not yet acknowledged at most.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="ProducerException">No such queue, or the connection is gone.</exception>
    public async IAsyncEnumerable<Arrival> FollowAsync(ushort prefetch, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var buffer = await SubscribeAsync(prefetch, cancellation);
        while (await GuardAsync(async () => await buffer.WaitToReadAsync(cancellation)))
        {
            while (buffer.TryRead(out var arrival))
                yield return arrival;
        }
    }

    /// <summary>Starts to take what comes; from here on nothing sent to the queue is missed.</summary>
    /// <param name="prefetch">Messages taken and not yet acknowledged at most.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="ProducerException">No such queue.</exception>
    public async Task<ChannelReader<Arrival>> SubscribeAsync(ushort prefetch, CancellationToken cancellation)
    {
        // The prefetch keeps the buffer from filling up.
        var buffer = Channel.CreateBounded<Arrival>(prefetch);
        var consumer = new AsyncEventingBasicConsumer(channel);
        consumer.ReceivedAsync += (_, delivery) =>
            buffer.Writer.WriteAsync(Read(delivery), CancellationToken.None).AsTask();
        consumer.UnregisteredAsync += (_, _) => Finish(buffer, "the queue was deleted");
        channel.ChannelShutdownAsync += (_, reason) => Finish(buffer, $"the connection was closed: {reason.ReplyText}");
        await GuardAsync(async () =>
        {
            await channel.BasicQosAsync(0, prefetch, global: false, cancellation);
            return await channel.BasicConsumeAsync(queue, autoAck: false, consumer, cancellation);
        });
        return buffer.Reader;
    }

    private static Arrival Read(BasicDeliverEventArgs delivery) =>
        new(delivery.DeliveryTag, delivery.Body.ToArray(), delivery.Exchange, delivery.BasicProperties, delivery.Redelivered, delivery.RoutingKey);

    private static Task Finish(Channel<Arrival> buffer, string why)
    {
        buffer.Writer.TryComplete(new ProducerException(ExitCode.Broker, why));
        return Task.CompletedTask;
    }

    private async Task<T> GuardAsync<T>(Func<Task<T>> operation)
    {
        try
        {
            return await operation();
        }
        catch (OperationInterruptedException error)
        {
            throw error.ShutdownReason?.ReplyCode == 404
                ? TopologyCheck.Missing($"the queue '{queue}' does not exist", error)
                : new ProducerException(ExitCode.Broker, $"the broker closed the connection: {error.ShutdownReason?.ReplyText}", error);
        }
    }
}
