using System.Runtime.CompilerServices;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;
using VlWorker.Contracts;
using VlWorker.Producer.Broker;

namespace VlWorker.Producer.DeadLetters;

/// <summary>The queue of dead letters. What is taken and not acknowledged is back when the channel closes.</summary>
/// <param name="channel">A channel of its own.</param>
/// <param name="time">The clock.</param>
internal sealed class DeadLetterQueue(IChannel channel, TimeProvider time)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(5);

    private int _held;

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
            Interlocked.Increment(ref _held);
            yield return DeadLetter.Read(message);
        }
    }

    /// <summary>Takes a letter off for good.</summary>
    public ValueTask RemoveAsync(DeadLetter letter)
    {
        Interlocked.Decrement(ref _held);
        return channel.BasicAckAsync(letter.Tag, multiple: false);
    }

    /// <summary>Gives back what was taken and not removed, and waits until it is there: the next command is to meet it.</summary>
    /// <remarks>A broker answers nothing to that and does it some time later. If somebody else takes letters meanwhile, the wait ends after a while.</remarks>
    public async Task ReturnAsync()
    {
        if (_held <= 0)
            return;
        await channel.BasicNackAsync(deliveryTag: 0, multiple: true, requeue: true);
        var started = time.GetTimestamp();
        while (await CountAsync(CancellationToken.None) < _held && time.GetElapsedTime(started) < Longest)
            await Task.Delay(Pause, time);
    }

    /// <summary>Removes all letters at once.</summary>
    public Task<uint> PurgeAsync(CancellationToken cancellation) => channel.QueuePurgeAsync(Topology.DeadLettersQueue, cancellation);
}
