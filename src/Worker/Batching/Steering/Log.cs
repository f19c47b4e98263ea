namespace VlWorker.Batching.Steering;

internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Information, "{Device} now runs {InFlight} batches at a time, of rows at most: {Rows}")]
    public static partial void Steered(ILogger logger, string device, int inFlight, string rows);
}
