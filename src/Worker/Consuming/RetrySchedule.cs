using System.Globalization;
using VlWorker.Contracts;
using VlWorker.Failures;
using VlWorker.Publishing;
using VlWorker.Telemetry;

namespace VlWorker.Consuming;

/// <summary>Sends messages away, as they came and with a confirm: to wait for another attempt, or to the dead letters.</summary>
internal sealed class RetrySchedule(
    IBrokerPublisher broker, ConsumingOptions options, WorkerMetrics metrics, TimeProvider time, ILogger<RetrySchedule> logger)
{
    private const int LongestError = 2000;

    /// <summary>Whether the message may be tried again after the attempt that just failed.</summary>
    public static bool HasAttemptsLeft(Delivery delivery, int maximum) => delivery.Attempts + 1 < maximum;

    /// <summary>Lets the message wait for its next attempt, or makes it a dead letter after the last.</summary>
    /// <returns>Whether there will be another attempt.</returns>
    /// <exception cref="DependencyException">It could not be sent away: it must stay.</exception>
    public async Task<bool> RetryOrBuryAsync(Delivery delivery, string reason, Exception error, CancellationToken cancellation)
    {
        if (!HasAttemptsLeft(delivery, options.MaxAttempts))
        {
            await BuryAsync(delivery, reason, error, cancellation);
            return false;
        }

        var wait = Topology.WaitQueues[Math.Min(delivery.Attempts, Topology.WaitQueues.Count - 1)];
        Log.Retrying(logger, delivery.Properties.MessageId, delivery.Attempts + 1, wait.Delay.TotalSeconds, error.Message);
        await SendAsync(wait.Name, delivery, cancellation, Attempt(delivery), Origin(delivery), History(delivery, error, Now()));
        return true;
    }

    /// <summary>Lets the message wait for a place, with no attempt counted.</summary>
    /// <exception cref="DependencyException">It could not be sent away: it must stay.</exception>
    public Task DeferAsync(Delivery delivery, CancellationToken cancellation) =>
        SendAsync(Topology.WaitQueues[0].Name, delivery, cancellation, Origin(delivery));

    /// <summary>Makes the message a dead letter.</summary>
    /// <exception cref="DependencyException">It could not be sent away: it must stay.</exception>
    public async Task BuryAsync(Delivery delivery, string reason, Exception error, CancellationToken cancellation)
    {
        Log.Buried(logger, delivery.Properties.MessageId, reason, delivery.Attempts + 1, error);
        var now = Now();
        await SendAsync(
            Topology.DeadExchange,
            delivery,
            cancellation,
            Attempt(delivery),
            Origin(delivery),
            new(Topology.DeadReasonHeader, reason),
            History(delivery, error, now),
            new(Topology.DeadTimeHeader, now),
            new(Topology.DeadErrorHeader, error.Message.Cut(LongestError)));
        metrics.Buried(reason);
    }

    /// <summary>Puts the message back at the end of its queue as a new one, so that the broker's count of deliveries starts again.</summary>
    /// <exception cref="DependencyException">It could not be sent: it must stay.</exception>
    public Task RenewAsync(Delivery delivery, CancellationToken cancellation) => SendAsync(Topology.RequestsExchange, delivery, cancellation);

    private static KeyValuePair<string, object?> Attempt(Delivery delivery) => new(Topology.AttemptHeader, delivery.Attempts + 1);

    private static KeyValuePair<string, object?> Origin(Delivery delivery) => new(Topology.OriginHeader, delivery.Lane.Queue);

    private static KeyValuePair<string, object?> History(Delivery delivery, Exception error, string now) => new(
        Topology.HistoryHeader, AttemptHistory.Add(delivery.Properties.Text(Topology.HistoryHeader), delivery.Attempts + 1, now, error.Message));

    private string Now() => time.GetUtcNow().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    private async Task SendAsync(string exchange, Delivery delivery, CancellationToken cancellation, params KeyValuePair<string, object?>[] headers)
    {
        try
        {
            // The lane's own routing key, not the one it came with: only that leads back to the queue, whoever published the message how.
            await broker.PublishAsync(exchange, delivery.Lane.Name, delivery.Body, delivery.Properties.ForCopy(headers), mandatory: true, cancellation);
        }
        catch (UnroutableException error)
        {
            throw new DependencyException(Dependency.Results, $"a message would be lost: {error.Message}", error);
        }
    }
}
