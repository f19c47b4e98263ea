using MassTransit;
using MassTransit.Transports.Fabric;
using VlWorker.Contracts;
using VlWorker.Publishing;

namespace VlWorker.Consuming;

/// <summary>The embedded default: MassTransit's in-memory transport with the same consumers, exchanges and keys.</summary>
/// <remarks>
/// It lacks what a broker is for. Nothing is durable: what is queued, waits for a retry or is in work is gone when the process ends.
/// There are no confirms and no returns: a message that nothing is subscribed to disappears, results and dead letters too.
/// Queues are unbounded: who publishes limits what is under way. Nothing is redelivered; what fails for want of a dependency is kept in hand.
/// </remarks>
internal sealed class InMemoryTransport : ITransport
{
    private readonly IBusControl _bus;
    private bool _started;

    public InMemoryTransport(ILoggerFactory loggers)
    {
        LogContext.ConfigureCurrentLogContext(new QuietLoggerFactory(loggers));
        _bus = Bus.Factory.CreateUsingInMemory(_ => { });
        Publisher = new InMemoryPublisher(_bus);
    }

    /// <inheritdoc/>
    public IBrokerPublisher Publisher { get; }

    /// <inheritdoc/>
    public bool TakesMessagesBack => false;

    /// <inheritdoc/>
    public string? Problem => null;

    /// <inheritdoc/>
    public async Task StartAsync(CancellationToken cancellation)
    {
        if (_started)
            return;
        _started = true;
        await _bus.StartAsync(cancellation);
    }

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellation) => _bus.StopAsync(cancellation);

    /// <inheritdoc/>
    public HostReceiveEndpointHandle Connect(Lane lane, Action<IReceiveEndpointConfigurator> configure) =>
        _bus.ConnectReceiveEndpoint(lane.Queue, endpoint =>
        {
            ((IInMemoryReceiveEndpointConfigurator)endpoint).Bind(Topology.RequestsExchange, ExchangeType.Direct, lane.Name);
            configure(endpoint);
        });

    /// <summary>Subscribes to an exchange. The handler is called for one message after another; what it throws is logged and the message is gone.</summary>
    /// <param name="exchange">One of <see cref="Topology"/>'s exchanges, or the name of a queue that requests name as reply-to.</param>
    /// <param name="handler">Gets routing key, properties and body.</param>
    /// <param name="pattern">Of the results, those whose routing key matches; # are all.</param>
    /// <param name="cancellation">Gives up waiting for the subscription.</param>
    /// <returns>Stops the subscription when disposed of.</returns>
    public async Task<IAsyncDisposable> SubscribeAsync(
        string exchange, Func<string, MessageProperties, byte[], Task> handler, string pattern = "#", CancellationToken cancellation = default)
    {
        var isReplyQueue = exchange is not (Topology.ResultsExchange or Topology.DeadExchange);
        var handle = _bus.ConnectReceiveEndpoint(isReplyQueue ? exchange : $"{exchange}.{Guid.NewGuid():N}", endpoint =>
        {
            endpoint.ConfigureConsumeTopology = false;
            endpoint.ConcurrentMessageLimit = 1;
            if (exchange == Topology.ResultsExchange)
                ((IInMemoryReceiveEndpointConfigurator)endpoint).Bind(exchange, ExchangeType.Topic, pattern);
            else if (!isReplyQueue)
                ((IInMemoryReceiveEndpointConfigurator)endpoint).Bind(exchange);
            endpoint.ConfigureReceive(receive => receive.UseFilter(new Handler(handler)));
        });
        await handle.Ready.WaitAsync(cancellation);
        return new Subscription(handle);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    /// <summary>Takes the raw message; nothing behind it runs.</summary>
    private sealed class Handler(Func<string, MessageProperties, byte[], Task> handler) : IFilter<ReceiveContext>
    {
        public Task Send(ReceiveContext context, IPipe<ReceiveContext> next) =>
            handler((context as RoutingKeyConsumeContext)?.RoutingKey ?? "", DeliveryReader.PropertiesOf(context), context.Body.GetBytes());

        public void Probe(ProbeContext context) => context.CreateFilterScope("handler");
    }

    private sealed class Subscription(HostReceiveEndpointHandle handle) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync() => await handle.StopAsync();
    }
}
