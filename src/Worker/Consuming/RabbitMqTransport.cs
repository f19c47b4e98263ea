using System.Security.Authentication;
using MassTransit;
using RabbitMQ.Client;
using VlWorker.Failures;
using VlWorker.Publishing;

namespace VlWorker.Consuming;

/// <summary>Consumes from RabbitMQ through MassTransit. The topology is ours (<see cref="TopologyDeclarer"/>): MassTransit declares no queue.</summary>
/// <remarks>It does declare a fanout exchange named like each queue; nothing is bound to it, and nothing is published to it.</remarks>
internal sealed class RabbitMqTransport(BrokerOptions options, RabbitMqPublisher publisher, ILoggerFactory loggers) : ITransport
{
    private volatile IBusControl? _bus;

    /// <inheritdoc/>
    public IBrokerPublisher Publisher => publisher;

    /// <inheritdoc/>
    public bool TakesMessagesBack => true;

    /// <inheritdoc/>
    public string? Problem
    {
        get
        {
            if (_bus is not { } bus)
                return "not connected to the broker yet";
            var health = bus.CheckHealth();
            return health.Status == BusHealthStatus.Healthy
                ? null
                : health.Endpoints.Values.FirstOrDefault(endpoint => endpoint.Status != BusHealthStatus.Healthy).Description ?? health.Description;
        }
    }

    /// <inheritdoc/>
    public async Task StartAsync(CancellationToken cancellation)
    {
        if (_bus is not null)
            return;

        // A bus that could not start is of no further use: the next attempt makes another.
        LogContext.ConfigureCurrentLogContext(new QuietLoggerFactory(loggers));
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        timeout.CancelAfter(TimeSpan.FromSeconds(2 * options.ConnectTimeoutSeconds));
        try
        {
            var bus = Bus.Factory.CreateUsingRabbitMq(configurator => Host(configurator, options));
            await bus.StartAsync(timeout.Token);
            _bus = bus;
        }
        catch (Exception error) when (!cancellation.IsCancellationRequested)
        {
            throw new DependencyException(Dependency.Results, BrokerErrors.Explain(error, options), error);
        }
    }

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellation) => _bus?.StopAsync(cancellation) ?? Task.CompletedTask;

    /// <inheritdoc/>
    public HostReceiveEndpointHandle Connect(Lane lane, Action<IReceiveEndpointConfigurator> configure) =>
        _bus!.ConnectReceiveEndpoint(lane.Queue, endpoint =>
        {
            ((IRabbitMqReceiveEndpointConfigurator)endpoint).BindQueue = false;
            configure(endpoint);
        });

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => publisher.DisposeAsync();

    /// <summary>As the publisher's connection is; MassTransit would take TLS 1.2 alone.</summary>
    private static void Secure(IRabbitMqSslConfigurator ssl, SslOption option)
    {
        ssl.ServerName = option.ServerName;
        ssl.Protocol = SslProtocols.None;
        ssl.CertificateSelectionCallback = option.CertificateSelectionCallback;
        ssl.CertificateValidationCallback = option.CertificateValidationCallback;
    }

    private static void Host(IRabbitMqBusFactoryConfigurator bus, BrokerOptions options)
    {
        var factory = options.CreateFactory();
        bus.Host(factory.HostName, (ushort)factory.Endpoint.Port, factory.VirtualHost, options.ConnectionName, host =>
        {
            host.Username(factory.UserName);
            host.Password(factory.Password);
            host.OnRefreshConnectionFactory = renewed =>
            {
                renewed.Password = options.CreateFactory().Password;
                return Task.CompletedTask;
            };
            host.Heartbeat(factory.RequestedHeartbeat);
            host.RequestedConnectionTimeout(factory.RequestedConnectionTimeout);
            if (factory.Ssl.Enabled)
                host.UseSsl(ssl => Secure(ssl, factory.Ssl));
        });
    }
}
