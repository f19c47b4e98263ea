namespace VlWorker.Publishing;

internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Information, "Publishing to the broker at {Address}")]
    public static partial void Connected(ILogger logger, string address);

    [LoggerMessage(2, LogLevel.Warning, "The reply of request {Id} went nowhere: the queue {ReplyTo} is gone; the result is on the results exchange")]
    public static partial void ReplyUnroutable(ILogger logger, string id, string replyTo);

    [LoggerMessage(3, LogLevel.Warning, "Result {RoutingKey} dropped: no queue is bound for it, and Publishing:DropUnroutable is on")]
    public static partial void ResultDropped(ILogger logger, string routingKey);

    [LoggerMessage(4, LogLevel.Warning, "The reply of request {Id} to the queue {ReplyTo} was given up: {Error}; the result is on the results exchange")]
    public static partial void ReplyUnconfirmed(ILogger logger, string id, string replyTo, string error);
}
