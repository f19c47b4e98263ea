using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;
using VlWorker.Contracts;
using VlWorker.Publishing;

namespace VlWorker.Diagnostics;

/// <summary>Compares exchanges and queues on the broker with what the worker declares.</summary>
/// <remarks>
/// What is missing is told by a passive declaration. What exists is declared once more with our arguments: that changes nothing, and the broker
/// refuses it where they differ. A refusal closes the channel, so each question has one of its own.
/// </remarks>
internal sealed class TopologyInspection(IConnection connection, PublishingOptions options)
{
    private const string Check = "topology";
    private const int AccessRefused = 403;
    private const int NotFound = 404;

    /// <summary>Asks for each exchange and each queue.</summary>
    public async Task<IReadOnlyList<Finding>> RunAsync(CancellationToken cancellation)
    {
        var findings = new List<Finding>();
        foreach (var exchange in Topology.Exchanges)
        {
            findings.AddRange(await AskAsync(
                $"exchange '{exchange.Name}'",
                channel => channel.ExchangeDeclarePassiveAsync(exchange.Name, cancellation),
                channel => channel.ExchangeDeclareAsync(exchange.Name, exchange.Type, durable: true, autoDelete: false, cancellationToken: cancellation),
                cancellation));
        }

        var queues = Topology.Queues.Where(queue => options.DeclareResultsQueue || queue.Name != Topology.ResultsQueue).ToList();
        foreach (var queue in queues)
        {
            var table = queue.Arguments.ToDictionary(pair => pair.Key, pair => (object?)pair.Value);
            findings.AddRange(await AskAsync(
                $"queue '{queue.Name}'",
                channel => channel.QueueDeclarePassiveAsync(queue.Name, cancellation),
                channel => channel.QueueDeclareAsync(queue.Name, durable: true, exclusive: false, autoDelete: false, table, cancellationToken: cancellation),
                cancellation));
        }

        return findings.Count > 0 ? findings : [Finding.Ok(Check, $"{Topology.Exchanges.Count} exchanges and {queues.Count} queues are as the worker declares them")];
    }

    private async Task<IReadOnlyList<Finding>> AskAsync(string what, Func<IChannel, Task> exists, Func<IChannel, Task> declare, CancellationToken cancellation)
    {
        await using var channel = await connection.CreateChannelAsync(cancellationToken: cancellation);
        try
        {
            await exists(channel);
            await declare(channel);
            return [];
        }
        catch (OperationInterruptedException error) when (error.ShutdownReason is { } reason && connection.IsOpen)
        {
            return [Judge(what, reason.ReplyCode, reason.ReplyText)];
        }
    }

    private static Finding Judge(string what, int code, string text) => code switch
    {
        NotFound => Finding.Warn(
            Check, $"{what} is missing", "Start a worker that may configure it: it declares everything; until then requests have no place to wait"),
        AccessRefused => Finding.Fail(Check, $"{what}: {text}", "Give the worker's user the permissions of deploy/rabbitmq/definitions.json"),
        _ => Finding.Fail(
            Check, $"{what} is declared otherwise: {text}", "Arguments can't be changed: empty and delete it, or give the worker a virtual host of its own"),
    };
}
