using VlWorker.Failures;

namespace VlWorker.Consuming;

internal static partial class Log
{
    private static readonly Func<ILogger, string, string?, string?, IDisposable?> MessageScope =
        LoggerMessage.DefineScope<string, string?, string?>("message {MessageId}, job {JobId}, trace {TraceId}");

    /// <summary>Gives every line about a message, whichever stage writes it, its ids.</summary>
    public static IDisposable? BeginMessage(ILogger logger, string messageId, string? jobId, string? traceId) => MessageScope(logger, messageId, jobId, traceId);

    [LoggerMessage(1, LogLevel.Error, "No messages are taken: {Dependency}: {Detail}")]
    public static partial void GateClosed(ILogger logger, Dependency dependency, string detail);

    [LoggerMessage(2, LogLevel.Information, "Messages are taken again, after {Seconds:0.0} s")]
    public static partial void GateOpened(ILogger logger, double seconds);

    [LoggerMessage(3, LogLevel.Error, "The probe of {Dependency} failed in an unexpected way")]
    public static partial void ProbeFailed(ILogger logger, Dependency dependency, Exception error);

    [LoggerMessage(4, LogLevel.Debug, "A lane did not stop in order")]
    public static partial void LaneStopFailed(ILogger logger, Exception error);

    [LoggerMessage(5, LogLevel.Warning, "Message {MessageId} failed in attempt {Attempt} and waits {Seconds} s: {Error}")]
    public static partial void Retrying(ILogger logger, string? messageId, int attempt, double seconds, string error);

    [LoggerMessage(6, LogLevel.Error, "Message {MessageId} becomes a dead letter ({Reason}) after {Attempts} attempts")]
    public static partial void Buried(ILogger logger, string? messageId, string reason, int attempts, Exception error);

    [LoggerMessage(7, LogLevel.Information, "Request {Id} rejected ({Reason}): {Detail}")]
    public static partial void Rejected(ILogger logger, string id, string reason, string detail);

    [LoggerMessage(8, LogLevel.Information, "Taking messages from {Address}: {Lanes}")]
    public static partial void Started(ILogger logger, string address, string lanes);

    [LoggerMessage(9, LogLevel.Information, "Stopping: finishing what is in hand, for {Seconds:0} s at most")]
    public static partial void Stopping(ILogger logger, double seconds);

    [LoggerMessage(10, LogLevel.Information, "All messages in hand were settled")]
    public static partial void Drained(ILogger logger);

    [LoggerMessage(11, LogLevel.Warning, "The grace period is over: what was still in hand stays on its queue")]
    public static partial void GaveUp(ILogger logger);

    [LoggerMessage(13, LogLevel.Debug, "Message {Outcome} after {Milliseconds:0.0} ms")]
    public static partial void Settled(ILogger logger, string outcome, double milliseconds);

    [LoggerMessage(12, LogLevel.Warning, "The lanes are not connected yet")]
    public static partial void LanesNotReady(ILogger logger, Exception error);

    [LoggerMessage(13, LogLevel.Warning, "Cancellations of jobs can't be read now: {Why}")]
    public static partial void ControlNotRead(ILogger logger, string why);

    [LoggerMessage(14, LogLevel.Information, "Job {Job} was cancelled at {At:u}: what was published of it before is rejected")]
    public static partial void JobCancelled(ILogger logger, string job, DateTimeOffset at);
}
