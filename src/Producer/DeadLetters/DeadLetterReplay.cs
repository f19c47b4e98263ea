using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;
using VlWorker.Contracts;
using VlWorker.Producer.Broker;

namespace VlWorker.Producer.DeadLetters;

/// <summary>Publishes letters again to where they came from. Each is taken off only after the broker has confirmed its copy.</summary>
/// <param name="queue">The letters.</param>
/// <param name="publisher">A channel with tracked confirms.</param>
/// <param name="pace">How fast.</param>
internal sealed class DeadLetterReplay(DeadLetterQueue queue, IChannel publisher, Pace pace)
{
    /// <summary>Copies on their way at most.</summary>
    private const int Window = 64;

    /// <summary>What workers and the broker wrote: the copy is a request without a past.</summary>
    private static readonly string[] History =
    [
        Topology.AttemptHeader, Topology.HistoryHeader, Topology.DeadReasonHeader, Topology.DeadErrorHeader, Topology.DeadTimeHeader, Topology.OriginHeader,
        "x-death", "x-delivery-count", "x-acquired-count", "x-dotnet-pub-seq-no", "CC", "BCC",
    ];

    /// <summary>Letters replayed.</summary>
    public int Replayed { get; private set; }

    /// <summary>Letters that were meant but do not say where they came from; they stay.</summary>
    public int Homeless { get; private set; }

    /// <summary>Replays the letters that are meant, and lets the others be.</summary>
    /// <exception cref="ProducerException">The broker did not take one. It stays, and so does what comes after it.</exception>
    public async Task RunAsync(DeadLetterFilter filter, CancellationToken cancellation)
    {
        var pending = new List<Task>(Window);
        try
        {
            await foreach (var letter in queue.WalkAsync(cancellation))
            {
                if (!filter.Matches(letter))
                    continue;
                if (letter.RoutingKey is null)
                {
                    Homeless++;
                    continue;
                }

                await pace.WaitAsync(cancellation);
                pending.Add(ReplayAsync(letter, letter.RoutingKey));
                if (pending.Count >= Window)
                    await FinishAsync(pending);
            }
        }
        finally
        {
            await FinishAsync(pending);
        }
    }

    private async Task FinishAsync(List<Task> pending)
    {
        try
        {
            await Task.WhenAll(pending);
        }
        finally
        {
            Replayed += pending.Count(task => task.IsCompletedSuccessfully);
            pending.Clear();
        }
    }

    private async Task ReplayAsync(DeadLetter letter, string routingKey)
    {
        try
        {
            await publisher.BasicPublishAsync(
                Topology.RequestsExchange, routingKey, mandatory: true, Copy(letter.Properties), letter.Body, CancellationToken.None);
        }
        catch (PublishReturnException error)
        {
            throw TopologyCheck.Missing($"no queue is bound to the exchange '{Topology.RequestsExchange}' for '{routingKey}'", error);
        }
        catch (PublishException error)
        {
            throw new ProducerException(ExitCode.NotConfirmed, $"the broker refused {letter.Id}: its queue for '{routingKey}' is full", error);
        }

        await queue.RemoveAsync(letter);
    }

    private static BasicProperties Copy(IReadOnlyBasicProperties properties)
    {
        var copy = new BasicProperties(properties) { DeliveryMode = DeliveryModes.Persistent };
        copy.ClearExpiration();
        if (properties.Headers is { } headers)
        {
            copy.Headers = headers.Where(pair => !History.Contains(pair.Key) && !pair.Key.StartsWith("x-first-death-", StringComparison.Ordinal)
                && !pair.Key.StartsWith("x-last-death-", StringComparison.Ordinal)).ToDictionary(pair => pair.Key, pair => pair.Value);
        }

        return copy;
    }
}
