using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;
using VlWorker.Failures;

namespace VlWorker.Publishing;

/// <summary>Publishes with confirms over a connection of its own, so that a full socket never delays acks, nor the other way round.</summary>
/// <remarks>A lost connection or channel fails what waits on it and is replaced at the next call; who calls decides about retries.</remarks>
internal sealed class RabbitMqPublisher(BrokerOptions broker, PublishingOptions options, ILogger<RabbitMqPublisher> logger)
    : IBrokerPublisher, IAsyncDisposable
{
    private readonly TopologyDeclarer _topology = new(options);
    private readonly SemaphoreSlim _connecting = new(1, 1);
    private volatile PublisherSession? _session;

    /// <inheritdoc/>
    public async Task PublishAsync(
        string exchange, string routingKey, ReadOnlyMemory<byte> body, MessageProperties properties, bool mandatory, CancellationToken cancellation)
    {
        var session = await SessionAsync(cancellation);
        // What is sent now would lie in the socket and arrive once more for every time that it is tried again.
        if (session.Blocked is { } alarm)
            throw Refused(alarm);
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        timeout.CancelAfter(options.ConfirmTimeout);
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
            throw new DependencyException(Dependency.Results, $"the broker refused a message to '{Target(exchange, routingKey)}': its queue is full", error);
        }
        catch (OperationCanceledException error) when (!cancellation.IsCancellationRequested)
        {
            throw session.Blocked is { } blocked
                ? Refused(blocked, error)
                : new DependencyException(Dependency.Results, $"the broker did not confirm a message within {options.ConfirmTimeout.TotalSeconds:0} s", error);
        }
        catch (Exception error) when (BrokerErrors.IsConnection(error))
        {
            await DropAsync(session);
            throw new DependencyException(Dependency.Results, BrokerErrors.Explain(error, broker), error);
        }
    }

    /// <inheritdoc/>
    /// <exception cref="TopologyException">Something is declared otherwise.</exception>
    public async Task ProbeAsync(CancellationToken cancellation)
    {
        var session = await SessionAsync(cancellation);
        try
        {
            await _topology.DeclareAsync(session.Connection, cancellation);
        }
        catch (Exception error) when (BrokerErrors.IsConnection(error))
        {
            await DropAsync(session);
            throw new DependencyException(Dependency.Results, BrokerErrors.Explain(error, broker), error);
        }

        if (session.Blocked is { } blocked)
            throw Refused(blocked);
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyDictionary<string, long>> DepthsAsync(IReadOnlyList<string> queues, CancellationToken cancellation)
    {
        var depths = new Dictionary<string, long>(StringComparer.Ordinal);
        if (_session is not { IsOpen: true } session)
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
        if (Interlocked.Exchange(ref _session, null) is { } session)
            await session.DisposeAsync();
        _connecting.Dispose();
    }

    private async ValueTask<PublisherSession> SessionAsync(CancellationToken cancellation)
    {
        if (_session is { IsOpen: true } open)
            return open;
        await _connecting.WaitAsync(cancellation);
        try
        {
            if (_session is { IsOpen: true } opened)
                return opened;
            if (_session is { } broken)
                await DropAsync(broken);
            var session = await PublisherSession.OpenAsync(broker, options, cancellation);
            Log.Connected(logger, broker.Address);
            return _session = session;
        }
        catch (Exception error) when (BrokerErrors.IsConnection(error))
        {
            throw new DependencyException(Dependency.Results, BrokerErrors.Explain(error, broker), error);
        }
        finally
        {
            _connecting.Release();
        }
    }

    private async Task DropAsync(PublisherSession session)
    {
        if (Interlocked.CompareExchange(ref _session, null, session) == session)
            await session.DisposeAsync();
    }

    private static DependencyException Refused(string alarm, Exception? error = null) =>
        new(Dependency.Results, $"the broker takes no messages: {alarm}", error);

    private static string Target(string exchange, string routingKey) => exchange.Length == 0 ? routingKey : exchange;
}
