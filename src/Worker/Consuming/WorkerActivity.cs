using System.Diagnostics;
using VlWorker.Publishing;
using VlWorker.Telemetry;

namespace VlWorker.Consuming;

/// <summary>W3C trace context: a message's work continues the trace that its traceparent names, and the answer carries it on.</summary>
internal static class WorkerActivity
{
    private const string TraceParent = "traceparent";
    private const string TraceState = "tracestate";

    /// <summary>Starts the activity of one message; null while nobody listens.</summary>
    public static Activity? Start(Delivery delivery)
    {
        _ = ActivityContext.TryParse(delivery.Properties.Text(TraceParent), delivery.Properties.Text(TraceState), isRemote: true, out var parent);
        var activity = Tracing.Source.StartActivity($"{delivery.Lane.Queue} process", ActivityKind.Consumer, parent);
        return activity?
            .SetTag("messaging.system", "rabbitmq")
            .SetTag("messaging.operation.type", "process")
            .SetTag("messaging.destination.name", delivery.Lane.Queue)
            .SetTag("messaging.message.id", delivery.Properties.MessageId)
            .SetTag("messaging.message.body.size", delivery.Body.Length)
            .SetTag("vlworker.attempt", delivery.Attempts + 1);
    }

    /// <summary>The trace that a message's work belongs to, whether it is recorded or not; null if the message brought none.</summary>
    public static string? TraceId(Delivery delivery, Activity? activity)
    {
        if (activity is not null)
            return activity.TraceId.ToHexString();
        return ActivityContext.TryParse(delivery.Properties.Text(TraceParent), null, out var context) ? context.TraceId.ToHexString() : null;
    }

    /// <summary>Where the answer goes. Without an activity the request's own trace context is passed on.</summary>
    public static ResultAddress Address(Delivery delivery, Activity? activity) => new(
        delivery.Lane.Name,
        delivery.Properties.ReplyTo,
        delivery.Properties.CorrelationId ?? delivery.Properties.MessageId,
        activity?.Id ?? delivery.Properties.Text(TraceParent),
        activity is null ? delivery.Properties.Text(TraceState) : activity.TraceStateString);
}
