using MassTransit;
using VlWorker.Publishing;

namespace VlWorker.Consuming;

/// <summary>What differs between RabbitMQ and the in-memory transport; consumers and everything behind them are the same.</summary>
internal interface ITransport : IAsyncDisposable
{
    /// <summary>Publishes to the same broker.</summary>
    IBrokerPublisher Publisher { get; }

    /// <summary>
    /// Whether a message can be given back to its queue, for this or another worker. If not, it is kept in hand until it can be worked on.
    /// </summary>
    bool TakesMessagesBack { get; }

    /// <summary>What is wrong with the connection for consuming; null if nothing is.</summary>
    string? Problem { get; }

    /// <summary>Starts the bus, without any lane; does nothing if it has started.</summary>
    /// <exception cref="Failures.DependencyException">The broker is not to be had.</exception>
    Task StartAsync(CancellationToken cancellation);

    /// <summary>Stops the bus. What has not been settled by then stays on the queues.</summary>
    Task StopAsync(CancellationToken cancellation);

    /// <summary>Starts to take a lane's messages; the handle's stop cancels the consumer, lets what is in hand finish, and forgets the lane. After the start only.</summary>
    HostReceiveEndpointHandle Connect(Lane lane, Action<IReceiveEndpointConfigurator> configure);
}
