namespace VlWorker.Publishing;

/// <summary>Where the answer to one request goes, and what of the request it carries on.</summary>
/// <param name="Lane">The lane that the request came by: a word of the routing key.</param>
/// <param name="ReplyTo">A queue that gets the answer too.</param>
/// <param name="CorrelationId">The request's correlation-id, else its message-id.</param>
/// <param name="TraceParent">W3C trace context of the work done.</param>
/// <param name="TraceState">W3C trace state.</param>
internal sealed record ResultAddress(string Lane, string? ReplyTo, string? CorrelationId, string? TraceParent, string? TraceState);

/// <summary>A serialised result: it can be published as often as it takes.</summary>
/// <param name="RequestId">The request's id.</param>
/// <param name="RoutingKey">The routing key on the results exchange.</param>
/// <param name="Body">UTF-8 JSON.</param>
/// <param name="Properties">The properties.</param>
/// <param name="ReplyTo">A queue that gets it too.</param>
internal sealed record OutgoingResult(string RequestId, string RoutingKey, byte[] Body, MessageProperties Properties, string? ReplyTo);
