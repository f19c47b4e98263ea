using System.Text.RegularExpressions;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;
using VlWorker.Contracts;

namespace VlWorker.Publishing;

/// <summary>Declares everything that the worker uses on a RabbitMQ broker. Declaring again changes nothing.</summary>
internal sealed partial class TopologyDeclarer(PublishingOptions options)
{
    private const int PreconditionFailed = 406;

    /// <summary>Declares exchanges, queues and bindings.</summary>
    /// <exception cref="TopologyException">Some exist with other arguments; all of them are named.</exception>
    public async Task DeclareAsync(IConnection connection, CancellationToken cancellation)
    {
        var errors = new List<string>();
        await using var run = new Run(connection, errors, cancellation);
        foreach (var exchange in Topology.Exchanges)
            await run.ExchangeAsync(exchange.Name, exchange.Type);
        foreach (var queue in Topology.Queues.Where(queue => options.DeclareResultsQueue || queue.Name != Topology.ResultsQueue))
            await run.QueueAsync(queue.Name, queue.Arguments, queue.Exchange, queue.RoutingKey);
        if (errors.Count > 0)
            throw new TopologyException(errors);
    }

    [GeneratedRegex(@"inequivalent arg '(?<name>[^']+)' for (?<kind>queue|exchange) '(?<entity>[^']+)'.*?: received (?<ours>.+?) but current is (?<theirs>.+)$", RegexOptions.Singleline)]
    private static partial Regex Inequivalent();

    private static string Explain(string kind, string name, string replyText)
    {
        var match = Inequivalent().Match(replyText);
        var difference = match.Success
            ? $"{match.Groups["name"].Value} must be {match.Groups["ours"].Value} but is {match.Groups["theirs"].Value}"
            : replyText;
        return $"{kind} '{name}' is declared otherwise on the broker: {difference}. "
            + $"Arguments can't be changed: empty and delete this {kind}, or give the worker a virtual host of its own.";
    }

    /// <summary>One pass over the topology. A refused declaration closes its channel, so the next one opens another.</summary>
    private sealed class Run(IConnection connection, List<string> errors, CancellationToken cancellation) : IAsyncDisposable
    {
        private IChannel? _channel;

        public Task ExchangeAsync(string name, string type) => TryAsync(
            "exchange", name, channel => channel.ExchangeDeclareAsync(name, type, durable: true, autoDelete: false, cancellationToken: cancellation));

        public async Task QueueAsync(string name, IReadOnlyDictionary<string, object> arguments, string exchange, string routingKey)
        {
            var table = arguments.ToDictionary(pair => pair.Key, pair => (object?)pair.Value);
            await TryAsync("queue", name, async channel =>
            {
                await channel.QueueDeclareAsync(name, durable: true, exclusive: false, autoDelete: false, table, cancellationToken: cancellation);
                await channel.QueueBindAsync(name, exchange, routingKey, cancellationToken: cancellation);
            });
        }

        public async ValueTask DisposeAsync()
        {
            if (_channel is not null)
                await _channel.DisposeAsync();
        }

        private async Task TryAsync(string kind, string name, Func<IChannel, Task> declare)
        {
            if (_channel is not { IsOpen: true })
            {
                await DisposeAsync();
                _channel = await connection.CreateChannelAsync(cancellationToken: cancellation);
            }

            try
            {
                await declare(_channel);
            }
            catch (OperationInterruptedException error) when (error.ShutdownReason is { ReplyCode: PreconditionFailed } reason)
            {
                errors.Add(Explain(kind, name, reason.ReplyText));
            }
        }
    }
}
