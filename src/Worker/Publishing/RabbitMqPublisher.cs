using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;
using VlWorker.Failures;

namespace VlWorker.Publishing;

/// <summary>Publishes with confirms over connections of its own, so that a full socket never delays acks, nor the other way round.</summary>
/// <remarks>
/// A lost connection or channel fails what waits on it and is replaced at the next call; who calls decides about retries. Replies, whose queue
/// a stranger named, have another connection than results: there are names over which a broker closes it.
/// </remarks>
internal sealed class RabbitMqPublisher(BrokerOptions broker, PublishingOptions publishing, ILogger<RabbitMqPublisher> logger)
    : IBrokerPublisher, IAsyncDisposable
{
    private readonly TopologyDeclarer _topology = new(publishing);
    private readonly PublisherConnection _results = new(broker, publishing, logger);
    private readonly PublisherConnection _replies = new(broker, publishing, logger);
    private readonly SemaphoreSlim _oneAlone = new(1, 1);

    /// <inheritdoc/>
    public async Task PublishAsync(
        string exchange, string routingKey, ReadOnlyMemory<byte> body, MessageProperties properties, bool mandatory, CancellationToken cancellation)
    {
        var isReply = exchange.Length == 0;
        try
        {
            await PublishAsync(isReply ? _replies : _results);
        }
        catch (UnconfirmedException error) when (isReply && error.OverConnection)
        {
            // Whoever shared the connection may be at fault: alone it shows.
            await _oneAlone.WaitAsync(cancellation);
            try
            {
                await using var alone = new PublisherConnection(broker, publishing, logger);
                await PublishAsync(alone);
            }
            finally
            {
                _oneAlone.Release();
            }
        }

        Task PublishAsync(PublisherConnection connection) => PublishOverAsync(connection, exchange, routingKey, body, properties, mandatory, cancellation);
    }

    /// <inheritdoc/>
    /// <exception cref="TopologyException">Something is declared otherwise.</exception>
    public async Task ProbeAsync(CancellationToken cancellation)
    {
        var session = await _results.SessionAsync(cancellation);
        try
        {
            await _topology.DeclareAsync(session.Connection, cancellation);
        }
        catch (Exception error) when (BrokerErrors.IsConnection(error))
        {
            await _results.DropAsync(session);
            throw new DependencyException(Dependency.Results, BrokerErrors.Explain(error, broker), error);
        }

        if (session.Blocked is { } blocked)
            throw Refused(blocked);
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyDictionary<string, long>> DepthsAsync(IReadOnlyList<string> queues, CancellationToken cancellation)
    {
        var depths = new Dictionary<string, long>(StringComparer.Ordinal);
        if (_results.Open is not { } session)
            return depths;
        try
        {
            // A channel of its own: the broker closes it where a queue does not exist.
            await using var channel = await session.Connection.CreateChannelAsync(cancellationToken: cancellation);
            foreach (var queue in queues)
                depths[queue] = (await channel.QueueDeclarePassiveAsync(queue, cancellation)).MessageCount;
        }
        catch (Exception error) when (BrokerErrors.IsConnection(error))
        {
            // What is known so far is better than nothing; whoever publishes notices what is wrong.
        }

        return depths;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _results.DisposeAsync();
        await _replies.DisposeAsync();
        _oneAlone.Dispose();
    }

    private async Task PublishOverAsync(
        PublisherConnection connection, string exchange, string routingKey, ReadOnlyMemory<byte> body, MessageProperties properties, bool mandatory,
        CancellationToken cancellation)
    {
        var session = await connection.SessionAsync(cancellation);
        // What is sent now would lie in the socket and arrive once more for every time that it is tried again.
        if (session.Blocked is { } alarm)
            throw Refused(alarm);
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        timeout.CancelAfter(publishing.ConfirmTimeout);
        try
        {
            await session.NextChannel().BasicPublishAsync(
                exchange, routingKey, mandatory, RabbitMqProperties.Write(properties), body, timeout.Token);
        }
        catch (PublishException error) when (error.IsReturn)
        {
            throw new UnroutableException(exchange, routingKey);
        }
        catch (PublishException error)
        {
            throw new UnconfirmedException($"the broker refused a message to '{Target(exchange, routingKey)}': its queue is full", error);
        }
        catch (OperationCanceledException error) when (!cancellation.IsCancellationRequested)
        {
            throw session.Blocked is { } blocked
                ? Refused(blocked, error)
                : new UnconfirmedException($"the broker did not confirm a message within {publishing.ConfirmTimeout.TotalSeconds:0} s", error, overConnection: true);
        }
        catch (Exception error) when (BrokerErrors.IsConnection(error))
        {
            await connection.DropAsync(session);
            throw new UnconfirmedException(BrokerErrors.Explain(error, broker), error, overConnection: true);
        }
    }

    private static DependencyException Refused(string alarm, Exception? error = null) =>
        new(Dependency.Results, $"the broker takes no messages: {alarm}", error);

    private static string Target(string exchange, string routingKey) => exchange.Length == 0 ? routingKey : exchange;
}
