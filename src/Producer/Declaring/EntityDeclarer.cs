using System.Text.RegularExpressions;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using RabbitMQ.Client.Exceptions;
using VlWorker.Contracts;

namespace VlWorker.Producer.Declaring;

/// <summary>Looks at exchanges and queues over AMQP, and declares those that are missing if it may.</summary>
/// <remarks>Declaring what exists changes nothing: the broker compares, and names the first argument that differs.</remarks>
internal sealed partial class EntityDeclarer(IConnection connection, bool apply, CancellationToken cancellation)
{
    private const int AccessRefused = 403;
    private const int NotFound = 404;
    private const int PreconditionFailed = 406;

    /// <summary>Looks at an exchange.</summary>
    public Task<Finding> ExchangeAsync(DeclaredExchange exchange) => FindAsync(
        $"exchange {exchange.Name}",
        channel => channel.ExchangeDeclarePassiveAsync(exchange.Name, cancellation),
        channel => channel.ExchangeDeclareAsync(exchange.Name, exchange.Type, durable: true, autoDelete: false, cancellationToken: cancellation));

    /// <summary>Looks at a queue; when it may, it binds it too, which changes nothing where the binding exists.</summary>
    public async Task<Finding> QueueAsync(DeclaredQueue queue)
    {
        var arguments = queue.Arguments.ToDictionary(pair => pair.Key, pair => (object?)pair.Value);
        var finding = await FindAsync(
            $"queue {queue.Name}",
            channel => channel.QueueDeclarePassiveAsync(queue.Name, cancellation),
            channel => channel.QueueDeclareAsync(queue.Name, durable: true, exclusive: false, autoDelete: false, arguments, cancellationToken: cancellation));
        if (!apply || finding.State is not (FindingState.Ok or FindingState.Made))
            return finding;
        var bound = await TryAsync(channel => channel.QueueBindAsync(queue.Name, queue.Exchange, queue.RoutingKey, cancellationToken: cancellation));
        return bound is null ? finding : finding with { State = FindingState.Differs, Detail = $"can't be bound to {queue.Exchange}: {bound.ReplyText}" };
    }

    [GeneratedRegex(@"inequivalent arg '(?<name>[^']+)' for .*?: received (?<ours>.+?) but current is (?<theirs>.+)$", RegexOptions.Singleline)]
    private static partial Regex Inequivalent();

    private async Task<Finding> FindAsync(string entity, Func<IChannel, Task> look, Func<IChannel, Task> declare)
    {
        var seen = await TryAsync(look);
        if (seen is { ReplyCode: NotFound } && !apply)
            return new Finding(entity, FindingState.Missing);
        if (seen is { ReplyCode: not NotFound })
            return Explain(entity, seen);
        var declared = await TryAsync(declare);
        return declared is not null ? Explain(entity, declared) : new Finding(entity, seen is null ? FindingState.Ok : FindingState.Made);
    }

    private static Finding Explain(string entity, ShutdownEventArgs refusal)
    {
        if (refusal.ReplyCode is not PreconditionFailed)
            return new Finding(entity, FindingState.Unknown, refusal.ReplyCode == AccessRefused ? $"no permission: {refusal.ReplyText}" : refusal.ReplyText);
        var match = Inequivalent().Match(refusal.ReplyText);
        return new Finding(entity, FindingState.Differs, match.Success
            ? $"{match.Groups["name"].Value} must be {match.Groups["ours"].Value} but is {match.Groups["theirs"].Value}"
            : refusal.ReplyText);
    }

    // A refusal closes the channel, so each attempt has one of its own.
    private async Task<ShutdownEventArgs?> TryAsync(Func<IChannel, Task> work)
    {
        await using var channel = await connection.CreateChannelAsync(cancellationToken: cancellation);
        try
        {
            await work(channel);
            return null;
        }
        catch (OperationInterruptedException error) when (error.ShutdownReason is { ReplyCode: AccessRefused or NotFound or PreconditionFailed or 405 } reason)
        {
            return reason;
        }
    }
}
