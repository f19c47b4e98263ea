using System.Text;
using RabbitMQ.Client;
using VlWorker.Contracts;
using VlWorker.Integration.Infrastructure;
using VlWorker.Producer;
using VlWorker.Producer.Cli;

namespace VlWorker.Integration.Producer;

/// <summary>A broker with the topology on it, and the producer run inside the test.</summary>
public sealed class ProducerFixture : IAsyncLifetime
{
    /// <summary>The broker.</summary>
    public TestBroker Broker { get; } = new();

    /// <inheritdoc/>
    public async Task InitializeAsync()
    {
        await Broker.InitializeAsync();
        await DeclareAsync(Broker);
    }

    /// <inheritdoc/>
    public async Task DisposeAsync() => await Broker.DisposeAsync();

    /// <summary>What the producer needs of the worker's topology.</summary>
    public static Task DeclareAsync(BrokerAccess broker)
    {
        ArgumentNullException.ThrowIfNull(broker);
        return broker.UseAsync(async channel =>
        {
            foreach (var exchange in Topology.Exchanges)
                await channel.ExchangeDeclareAsync(exchange.Name, exchange.Type, durable: true);
            foreach (var queue in Topology.Queues)
                await QueueAsync(channel, queue.Name, queue.Arguments, queue.Exchange, queue.RoutingKey);
        });
    }

    /// <summary>Runs a command against this broker.</summary>
    public Task<Outcome> RunAsync(params string[] args) => RunAsync(Broker.Uri, Stream.Null, default, args);

    /// <summary>Runs a command with standard input against this broker.</summary>
    public Task<Outcome> RunWithInputAsync(string input, params string[] args) =>
        RunAsync(Broker.Uri, new MemoryStream(Encoding.UTF8.GetBytes(input)), default, args);

    /// <summary>Runs a command against any broker.</summary>
    public static Task<Outcome> RunAsync(Uri uri, Stream input, CancellationToken cancellation, params string[] args) =>
        RunAsync(uri, input, store: null, cancellation, args);

    /// <summary>Runs a command against any broker and store.</summary>
    public static async Task<Outcome> RunAsync(Uri uri, Stream input, StoreUser? store, CancellationToken cancellation, params string[] args)
    {
        ArgumentNullException.ThrowIfNull(uri);
        await using var output = new MemoryStream();
        await using var error = new StringWriter();
        using var terminal = new Terminal
        {
            Input = input,
            Output = output,
            Error = error,
            IsInteractive = false,
            Environment = name => name switch
            {
                "VLWORKER_BROKER_URI" => uri.ToString(),
                "VLWORKER_STORE_ENDPOINT" => store?.Endpoint.ToString(),
                "VLWORKER_STORE_ACCESS_KEY" => store?.AccessKey,
                "VLWORKER_STORE_SECRET_KEY" => store?.SecretKey,
                _ => null,
            },
        };
        var code = await ProducerCommand.RunAsync(args, terminal, cancellation).WaitAsync(TimeSpan.FromMinutes(2), CancellationToken.None);
        return new Outcome(code, Encoding.UTF8.GetString(output.ToArray()), error.ToString());
    }

    private static async Task QueueAsync(
        IChannel channel, string name, IReadOnlyDictionary<string, object> arguments, string exchange, string routingKey)
    {
        var table = arguments.ToDictionary(pair => pair.Key, pair => (object?)pair.Value);
        await channel.QueueDeclareAsync(name, durable: true, exclusive: false, autoDelete: false, table);
        await channel.QueueBindAsync(name, exchange, routingKey);
    }
}

/// <summary>How a command ended.</summary>
public sealed record Outcome(int Code, string Output, string Error)
{
    /// <summary>The lines of <see cref="Output"/>.</summary>
    public string[] Lines => Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
}
