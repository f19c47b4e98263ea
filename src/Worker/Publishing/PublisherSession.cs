using RabbitMQ.Client;

namespace VlWorker.Publishing;

/// <summary>A connection with its confirming channels. All or nothing: one closed channel ends the session.</summary>
internal sealed class PublisherSession : IAsyncDisposable
{
    private readonly List<IChannel> _channels = [];
    private uint _next;

    private PublisherSession(IConnection connection) => Connection = connection;

    public IConnection Connection { get; }

    /// <summary>Why the broker takes no messages at the moment (memory or disk alarm); null while it does.</summary>
    public string? Blocked { get; private set; }

    public bool IsOpen => Connection.IsOpen && _channels.TrueForAll(channel => channel.IsOpen);

    /// <summary>Connects and opens the channels.</summary>
    public static async Task<PublisherSession> OpenAsync(BrokerOptions broker, PublishingOptions options, CancellationToken cancellation)
    {
        var connection = await broker.CreateFactory().CreateConnectionAsync($"{broker.ConnectionName} publisher", cancellation);
        var session = new PublisherSession(connection);
        try
        {
            connection.ConnectionBlockedAsync += (_, args) => session.SetBlocked(args.Reason);
            connection.ConnectionUnblockedAsync += (_, _) => session.SetBlocked(null);
            for (var i = 0; i < options.Channels; i++)
                session._channels.Add(await connection.CreateChannelAsync(Confirming(options.OutstandingConfirms), cancellation));
            return session;
        }
        catch
        {
            await session.DisposeAsync();
            throw;
        }
    }

    /// <summary>The channels in turn.</summary>
    public IChannel NextChannel() => _channels[(int)(Interlocked.Increment(ref _next) % (uint)_channels.Count)];

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        // The channels go with the connection; closing each in turn would wait for answers that may never come.
        try
        {
            await Connection.CloseAsync(TimeSpan.FromSeconds(2));
        }
        catch (Exception error) when (BrokerErrors.IsConnection(error) || error is OperationCanceledException)
        {
            // It was lost already.
        }

        foreach (var channel in _channels)
            await channel.DisposeAsync();
        await Connection.DisposeAsync();
    }

    private static CreateChannelOptions Confirming(int outstanding) => new(
        publisherConfirmationsEnabled: true,
        publisherConfirmationTrackingEnabled: true,
        outstandingPublisherConfirmationsRateLimiter: new ThrottlingRateLimiter(outstanding, throttlingPercentage: 100));

    private Task SetBlocked(string? reason)
    {
        Blocked = reason;
        return Task.CompletedTask;
    }
}
