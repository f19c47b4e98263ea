using System.Runtime.CompilerServices;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;
using VlWorker.Contracts;
using VlWorker.Producer.Broker;

namespace VlWorker.Producer.DeadLetters;

/// <summary>The queue of dead letters. What is taken and not acknowledged is back when the channel closes.</summary>
internal sealed class DeadLetterQueue(IChannel channel)
{
    /// <summary>The letters that are there now.</summary>
    /// <exception cref="ProducerException">There is no such queue.</exception>
    public async Task<uint> CountAsync(CancellationToken cancellation)
    {
        try
        {
            return (await channel.QueueDeclarePassiveAsync(Topology.DeadLettersQueue, cancellation)).MessageCount;
        }
        catch (OperationInterruptedException error) when (error.ShutdownReason?.ReplyCode == 404)
        {
            throw TopologyCheck.Missing($"the queue '{Topology.DeadLettersQueue}' does not exist", error);
        }
    }

    /// <summary>Takes letter after letter, no more than there were at the beginning: what dies meanwhile is not met again.</summary>
    public async IAsyncEnumerable<DeadLetter> WalkAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        for (var left = await CountAsync(cancellation); left > 0; left--)
        {
            if (await channel.BasicGetAsync(Topology.DeadLettersQueue, autoAck: false, cancellation) is not { } message)
                yield break;
            yield return DeadLetter.Read(message);
        }
    }

    /// <summary>Takes a letter off for good.</summary>
    public ValueTask RemoveAsync(DeadLetter letter) => channel.BasicAckAsync(letter.Tag, multiple: false);

    /// <summary>Gives back what was taken and not removed. The next command meets it: a channel that closes returns it too, but some time later.</summary>
    public ValueTask ReturnAsync() => channel.BasicNackAsync(deliveryTag: 0, multiple: true, requeue: true);

    /// <summary>Removes all letters at once.</summary>
    public Task<uint> PurgeAsync(CancellationToken cancellation) => channel.QueuePurgeAsync(Topology.DeadLettersQueue, cancellation);
}
