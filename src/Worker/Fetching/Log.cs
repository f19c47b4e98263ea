namespace VlWorker.Fetching;

internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Debug, "Attempt {Attempt} at {Bucket}/{Key} failed: {Detail}")]
    public static partial void AttemptFailed(this ILogger logger, int attempt, string bucket, string key, string detail);

    [LoggerMessage(2, LogLevel.Warning, "The object store is at fault: {Detail}")]
    public static partial void StoreAtFault(this ILogger logger, string detail, Exception? error);
}
