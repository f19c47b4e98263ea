using VlWorker.Failures;

namespace VlWorker.Publishing;

/// <summary>Opens a session when it is needed, and another after the first was lost.</summary>
internal sealed class PublisherConnection(BrokerOptions broker, PublishingOptions options, ILogger<RabbitMqPublisher> logger) : IAsyncDisposable
{
    private readonly SemaphoreSlim _connecting = new(1, 1);
    private volatile PublisherSession? _session;

    /// <summary>The session, if one is open.</summary>
    public PublisherSession? Open => _session is { IsOpen: true } session ? session : null;

    /// <summary>The open session, or a new one.</summary>
    /// <exception cref="DependencyException">The broker is not to be had.</exception>
    public async ValueTask<PublisherSession> SessionAsync(CancellationToken cancellation)
    {
        if (Open is { } open)
            return open;
        await _connecting.WaitAsync(cancellation);
        try
        {
            if (Open is { } opened)
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

    /// <summary>Forgets a session that was lost.</summary>
    public async Task DropAsync(PublisherSession session)
    {
        if (Interlocked.CompareExchange(ref _session, null, session) == session)
            await session.DisposeAsync();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _session, null) is { } session)
            await session.DisposeAsync();
        _connecting.Dispose();
    }
}
