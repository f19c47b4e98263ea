using System.Security.Cryptography;
using System.Text;
using VlWorker.Contracts;
using VlWorker.Failures;

namespace VlWorker.Publishing;

/// <summary>Turns results into messages and publishes them to the results exchange and to whoever asked for a reply.</summary>
internal sealed class ResultPublisher(IBrokerPublisher broker, PublishingOptions options, TimeProvider time, ILogger<ResultPublisher> logger)
{
    /// <summary>The message of a described image.</summary>
    public OutgoingResult Compose(ImageDescribed result, ResultAddress address) => Compose(
        result,
        result.Id,
        Topology.DescribedRoutingKey(address.Lane, result.JobId),
        [result.JobId, .. result.Outputs.Select(output => output.ResultId)],
        address);

    /// <summary>The message of a described text.</summary>
    public OutgoingResult Compose(TextDescribed result, ResultAddress address) => Compose(
        result, result.Id, Topology.DescribedRoutingKey(address.Lane, result.JobId), [result.JobId, result.ResultId], address);

    /// <summary>The message of a rejection.</summary>
    public OutgoingResult Compose(ImageRejected result, ResultAddress address) => Compose(
        result,
        result.Id,
        Topology.RejectedRoutingKey(address.Lane, result.JobId),
        [result.JobId, result.Image?.Bucket, result.Image?.Key, result.Reason, result.Detail],
        address);

    /// <summary>Publishes to the results exchange and waits for the confirm.</summary>
    /// <exception cref="DependencyException">Not confirmed, or no queue is bound for it.</exception>
    public async Task PublishAsync(OutgoingResult result, CancellationToken cancellation)
    {
        try
        {
            await broker.PublishAsync(Topology.ResultsExchange, result.RoutingKey, result.Body, result.Properties, mandatory: true, cancellation);
        }
        catch (UnroutableException) when (options.DropUnroutable)
        {
            Log.ResultDropped(logger, result.RoutingKey);
        }
        catch (UnroutableException error)
        {
            throw new DependencyException(Dependency.Results, $"results would be lost: {error.Message}", error);
        }
    }

    /// <summary>Publishes to the queue that the request named, if any. That it is gone or does not take the reply is no error: it is not the worker's.</summary>
    /// <exception cref="DependencyException">The broker is not to be had.</exception>
    public async Task ReplyAsync(OutgoingResult result, CancellationToken cancellation)
    {
        if (result.ReplyTo is not { } queue)
            return;
        try
        {
            await broker.PublishAsync("", queue, result.Body, result.Properties, mandatory: true, cancellation);
        }
        catch (UnroutableException)
        {
            Log.ReplyUnroutable(logger, result.RequestId, queue);
        }
        catch (UnconfirmedException error)
        {
            Log.ReplyUnconfirmed(logger, result.RequestId, queue, error.Message);
        }
    }

    private OutgoingResult Compose<T>(T result, string id, string routingKey, IEnumerable<string?> answer, ResultAddress address)
        where T : class
    {
        var headers = new Dictionary<string, object?>(StringComparer.Ordinal);
        if (address.TraceParent is not null)
            headers["traceparent"] = address.TraceParent;
        if (address.TraceState is not null)
            headers["tracestate"] = address.TraceState;
        var properties = new MessageProperties
        {
            MessageId = MessageIdOf([typeof(T).Name, id, .. answer]),
            CorrelationId = address.CorrelationId,
            ContentType = "application/json",
            Type = typeof(T).Name,
            AppId = "vl-worker",
            Timestamp = time.GetUtcNow(),
            Headers = headers,
        };
        return new OutgoingResult(id, routingKey, ContractsJson.Write(result), properties, address.ReplyTo);
    }

    /// <summary>32 hexadecimal digits: the same for a repeated answer, which consumers recognise by it, others for another answer under the same id.</summary>
    private static string MessageIdOf(IEnumerable<string?> parts) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', parts))).AsSpan(0, 16));
}
