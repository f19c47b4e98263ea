using System.Diagnostics;
using VlWorker.Contracts;
using VlWorker.Failures;
using VlWorker.Publishing;
using VlWorker.Telemetry;

namespace VlWorker.Consuming;

/// <summary>Runs the work of one message and settles the message, whatever happens: its fault, a passing fault, or ours.</summary>
/// <remarks>
/// <code>
/// work returned            -> its result is published and confirmed        -> ack
/// RejectedException        -> ImageRejected published and confirmed        -> ack
/// MalformedException, CrashedWorkerException -> dead letter published and confirmed -> ack
/// BusyException            -> first wait queue, no attempt counted, confirmed -> ack
/// TransientException       -> wait queue, after the last attempt dead letter, confirmed -> ack
/// anything unforeseen      -> like a transient fault, with a reason of its own
/// DependencyException      -> gate closes; the message goes back as it is, no attempt counted
/// cancelled (channel lost, grace period over) -> nothing: the broker has the message still
/// </code>
/// </remarks>
internal sealed class MessageSettler(
    ITransport transport,
    ConsumptionGate gate,
    CancelledJobs cancelled,
    SuspectCheck suspects,
    RetrySchedule retries,
    ResultPublisher publisher,
    ResultSender results,
    ConsumingOptions options,
    WorkerMetrics metrics,
    TimeProvider time,
    ILogger<MessageSettler> logger)
{
    /// <summary>The broker must hear that the consumer is cancelled before it hears that messages come back, or it would send them here again.</summary>
    private static readonly TimeSpan BeforeGivingBack = TimeSpan.FromMilliseconds(250);

    /// <summary>A message given back this often is renewed, well before the broker's delivery limit would bury it for our troubles.</summary>
    private const int RenewAfter = 20;

    /// <summary>Returns when the message may be acknowledged.</summary>
    /// <param name="delivery">The message.</param>
    /// <param name="request">What answers repeat of it.</param>
    /// <param name="work">The work; returns the answer.</param>
    /// <param name="cancellation">The delivery is void.</param>
    /// <exception cref="GivenBackException">The message goes back to its queue.</exception>
    public async Task RunAsync(
        Delivery delivery, RequestFacts request, Func<ResultAddress, CancellationToken, Task<OutgoingResult>> work, CancellationToken cancellation)
    {
        using var inFlight = metrics.InFlight(delivery.Lane.Name, delivery.Properties.Timestamp);
        if (delivery.Properties.Timestamp is { } published)
            metrics.QueueWait(delivery.Lane.Name, time.GetUtcNow() - published);
        while (true)
        {
            try
            {
                if (gate.State is { IsOpen: false } state)
                    throw new DependencyException(state.Failures.Keys.First(), state.Failures.Values.First());
                metrics.Settled(delivery.Lane.Name, await AttemptAsync(delivery, request, work, cancellation));
                return;
            }
            catch (DependencyException error)
            {
                gate.Close(error);
                if (await GiveBackAsync(delivery, error, cancellation))
                    return;
            }
        }
    }

    /// <summary>One attempt, settled. Returns the outcome's name among the metrics.</summary>
    private async Task<string> AttemptAsync(
        Delivery delivery, RequestFacts request, Func<ResultAddress, CancellationToken, Task<OutgoingResult>> work, CancellationToken cancellation)
    {
        using var activity = WorkerActivity.Start(delivery);
        using var scope = Log.BeginMessage(logger, request.Id, request.JobId, WorkerActivity.TraceId(delivery, activity));
        var started = time.GetTimestamp();
        var mark = delivery.Mark = suspects.MarkOf(delivery, request.Id);
        var outcome = await SettleAsync(delivery, request, activity, work, cancellation);
        if (outcome is not ("retried" or "deferred"))
            suspects.Settled(mark);
        var elapsed = time.GetElapsedTime(started);
        metrics.Message(delivery.Lane.Name, elapsed);
        Log.Settled(logger, outcome, elapsed.TotalMilliseconds);
        return outcome;
    }

    private async Task<string> SettleAsync(
        Delivery delivery,
        RequestFacts request,
        Activity? activity,
        Func<ResultAddress, CancellationToken, Task<OutgoingResult>> work,
        CancellationToken cancellation)
    {
        var address = WorkerActivity.Address(delivery, activity);
        try
        {
            if (delivery.Unreadable is { } unreadable)
                throw unreadable;
            if (cancelled.Covers(request.JobId, delivery.Properties.Timestamp))
                throw new RejectedException(RejectionReason.Cancelled, "the job was cancelled");
            suspects.Check(delivery.Mark!);
            var result = await work(address, cancellation);
            await SendAsync(result, cancellation);
            return "described";
        }
        catch (RejectedException error) when (!MayBeKnownElsewhere(delivery, error))
        {
            activity?.SetStatus(ActivityStatusCode.Error, error.Reason);
            return await RejectAsync(request, error, address, cancellation);
        }
        catch (BusyException)
        {
            await retries.DeferAsync(delivery, cancellation);
            return "deferred";
        }
        catch (Exception error) when (error is MalformedException or CrashedWorkerException)
        {
            var reason = error is MalformedException ? DeadLetterReason.MalformedJson : DeadLetterReason.CrashedWorker;
            activity?.SetStatus(ActivityStatusCode.Error, reason);
            await retries.BuryAsync(delivery, reason, error, cancellation);
            return "dead";
        }
        catch (Exception error) when (error is not DependencyException && !cancellation.IsCancellationRequested)
        {
            activity?.SetStatus(ActivityStatusCode.Error, error.Message);
            var reason = error is TransientException or RejectedException ? DeadLetterReason.AttemptsExhausted : DeadLetterReason.UnexpectedError;
            return await retries.RetryOrBuryAsync(delivery, reason, error, cancellation) ? "retried" : "dead";
        }
    }

    private async Task<string> RejectAsync(RequestFacts request, RejectedException error, ResultAddress address, CancellationToken cancellation)
    {
        Log.Rejected(logger, request.Id, error.Reason, error.Message);
        await SendAsync(publisher.Compose(request.Reject(error, time.GetUtcNow()), address), cancellation);
        metrics.Rejected(error.Reason);
        return "rejected";
    }

    private async Task SendAsync(OutgoingResult result, CancellationToken cancellation)
    {
        var started = time.GetTimestamp();
        await Tracing.StageAsync("publish", async span =>
        {
            span?.SetTag("messaging.rabbitmq.destination.routing_key", result.RoutingKey);
            await results.SendAsync(result, cancellation);
            return true;
        });
        metrics.Stage("publish", time.GetElapsedTime(started));
    }

    /// <summary>Another worker, or this one after a roll-out, may have the model.</summary>
    private bool MayBeKnownElsewhere(Delivery delivery, RejectedException error) => error.Reason == RejectionReason.UnknownModel
        && RetrySchedule.HasAttemptsLeft(delivery, Math.Min(options.UnknownModelAttempts, options.MaxAttempts));

    /// <summary>Gives the message back. Returns true if it was renewed and may be acknowledged, false if it stays in hand for another go.</summary>
    private async Task<bool> GiveBackAsync(Delivery delivery, DependencyException error, CancellationToken cancellation)
    {
        metrics.Settled(delivery.Lane.Name, "returned");
        if (!transport.TakesMessagesBack)
        {
            await gate.WhenOpenAsync(cancellation);
            return false;
        }

        await Task.Delay(BeforeGivingBack, time, cancellation);
        if (delivery.Redeliveries >= RenewAfter)
        {
            try
            {
                await retries.RenewAsync(delivery, cancellation);
                return true;
            }
            catch (DependencyException)
            {
                // The broker takes nothing at the moment: it goes back as it is.
            }
        }

        throw new GivenBackException(error);
    }
}
