using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;
using VlWorker.Contracts;
using VlWorker.Producer.Requests;

namespace VlWorker.Producer.Broker;

/// <summary>Publishes requests persistent, mandatory and confirmed, with a bounded number of them unconfirmed at a time.</summary>
/// <param name="channel">A channel with tracked confirms.</param>
/// <param name="window">Requests on their way at most.</param>
/// <param name="replyTo">A queue for the answers, or null.</param>
/// <param name="traceParent">W3C trace context, or null.</param>
/// <param name="time">The clock.</param>
internal sealed class RequestPublisher(IChannel channel, int window, string? replyTo, string? traceParent, TimeProvider time)
{
    private readonly Lock _gate = new();
    private long _confirmed;
    private long? _firstLost;
    private ProducerException? _failure;

    /// <summary>Options of a channel for this class. The window is counted here, so the client need not throttle as well.</summary>
    public static CreateChannelOptions ChannelOptions { get; } =
        new(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true, outstandingPublisherConfirmationsRateLimiter: null);

    /// <summary>Requests confirmed so far.</summary>
    public long Confirmed => Interlocked.Read(ref _confirmed);

    /// <summary>Publishes until the input ends or fails, a request fails, or it is cancelled; then waits for all that is on its way.</summary>
    /// <remarks>All requests before <see cref="PublishReport.FirstLost"/> are confirmed: a run can be taken up again from there.</remarks>
    public async Task<PublishReport> RunAsync(IAsyncEnumerable<OutgoingRequest> requests, CancellationToken cancellation)
    {
        using var places = new SemaphoreSlim(window);
        try
        {
            await foreach (var request in requests.WithCancellation(cancellation))
            {
                await places.WaitAsync(cancellation);
                if (Volatile.Read(ref _failure) is not null)
                {
                    places.Release();
                    Lose(request.Number, null);
                    break;
                }

                _ = SendAsync(request, places);
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            Lose(null, new ProducerException(ExitCode.Interrupted, "interrupted"));
        }
        catch (ProducerException error)
        {
            Lose(null, error);
        }

        for (var i = 0; i < window; i++)
            await places.WaitAsync(CancellationToken.None);
        return new PublishReport(Confirmed, _firstLost, _failure);
    }

    private async Task SendAsync(OutgoingRequest request, SemaphoreSlim places)
    {
        try
        {
            using var span = Tracing.StartPublish(request.RoutingKey, request.Id, traceParent);
            // Never cancelled half-way: whether it was taken must be known.
            await channel.BasicPublishAsync(
                Topology.RequestsExchange, request.RoutingKey, mandatory: true, Properties(request, span?.Id ?? traceParent), request.Body, CancellationToken.None);
            Interlocked.Increment(ref _confirmed);
        }
        catch (Exception error)
        {
            Lose(request.Number, Explain(request, error));
        }
        finally
        {
            places.Release();
        }
    }

    private void Lose(long? number, ProducerException? failure)
    {
        lock (_gate)
        {
            _firstLost = number is { } lost ? Math.Min(_firstLost ?? long.MaxValue, lost) : _firstLost;
            _failure ??= failure;
        }
    }

    /// <summary>What every request of the producer's carries.</summary>
    public static BasicProperties Properties(string id, TimeProvider time) => new()
    {
        ContentType = "application/json",
        DeliveryMode = DeliveryModes.Persistent,
        MessageId = id,
        AppId = "vl-producer",
        Timestamp = new AmqpTimestamp(time.GetUtcNow().ToUnixTimeSeconds()),
    };

    private BasicProperties Properties(OutgoingRequest request, string? trace)
    {
        var properties = Properties(request.Id, time);
        if (replyTo is not null)
        {
            properties.ReplyTo = replyTo;
            properties.CorrelationId = request.Id;
        }

        if (trace is not null)
            properties.Headers = new Dictionary<string, object?> { ["traceparent"] = trace };
        return properties;
    }

    private static ProducerException Explain(OutgoingRequest request, Exception error) => error switch
    {
        PublishReturnException => TopologyCheck.Missing(
            $"no queue is bound to the exchange '{Topology.RequestsExchange}' for '{request.RoutingKey}', so request {request.Id} came back", error),
        PublishException => new(
            ExitCode.NotConfirmed, $"the broker refused request {request.Id}: its queue for '{request.RoutingKey}' is full or not available", error),
        OperationInterruptedException { ShutdownReason: { } reason } => new(ExitCode.Broker, $"the broker closed the connection: {reason.ReplyText}", error),
        _ => new(ExitCode.Broker, $"request {request.Id} was not sent: {error.Message}", error),
    };
}

/// <summary>What became of a run of publishing.</summary>
/// <param name="Confirmed">Requests that the broker has taken over.</param>
/// <param name="FirstLost">Place in the input of the first request that was sent and not confirmed, or null.</param>
/// <param name="Failure">Why the run stopped early, or null.</param>
internal sealed record PublishReport(long Confirmed, long? FirstLost, ProducerException? Failure);
