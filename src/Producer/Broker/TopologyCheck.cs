using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;
using VlWorker.Contracts;

namespace VlWorker.Producer.Broker;

/// <summary>Looks whether a worker has declared what we publish to. Nothing is declared here: one program owns the topology.</summary>
internal static class TopologyCheck
{
    private const int NotFound = 404;
    private const int AccessRefused = 403;

    /// <summary>Fails when the requests' exchange does not exist; warns when no worker takes from the lane's queue.</summary>
    /// <returns>A warning for the user, or null.</returns>
    /// <exception cref="ProducerException">There is no such exchange.</exception>
    public static async Task<string?> RequestsAsync(IConnection connection, string routingKey, CancellationToken cancellation)
    {
        await using (var channel = await connection.CreateChannelAsync(cancellationToken: cancellation))
        {
            try
            {
                await channel.ExchangeDeclarePassiveAsync(Topology.RequestsExchange, cancellation);
            }
            catch (OperationInterruptedException error) when (error.ShutdownReason?.ReplyCode == NotFound)
            {
                throw Missing($"the exchange '{Topology.RequestsExchange}' does not exist", error);
            }
        }

        var queue = Topology.RequestQueues.First(candidate => candidate.RoutingKey == routingKey).Name;
        await using var second = await connection.CreateChannelAsync(cancellationToken: cancellation);
        try
        {
            var state = await second.QueueDeclarePassiveAsync(queue, cancellation);
            return state.ConsumerCount > 0 ? null : $"no worker takes from '{queue}' now; requests wait there ({state.MessageCount} so far)";
        }
        catch (OperationInterruptedException error) when (error.ShutdownReason?.ReplyCode is NotFound or AccessRefused)
        {
            // Publishing is mandatory: if no other queue is bound in its place, the broker will say so.
            return null;
        }
    }

    /// <summary>The error for something that only a worker declares.</summary>
    public static ProducerException Missing(string what, Exception? inner = null) =>
        new(ExitCode.Topology, $"{what}: start a worker first, it declares everything", inner);
}
