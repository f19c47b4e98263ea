namespace VlWorker.Hosting;

internal static partial class Log
{
    [LoggerMessage(EventId = 1, Level = LogLevel.Information, Message = "Model {Alias}, revision {Revision}, loaded in {Seconds:F2} s")]
    public static partial void ModelLoaded(ILogger logger, string alias, string revision, double seconds);

    [LoggerMessage(EventId = 2, Level = LogLevel.Critical, Message = "The worker can't start: {Reason}")]
    public static partial void CannotStart(ILogger logger, string reason);

    [LoggerMessage(EventId = 3, Level = LogLevel.Warning, Message = "The device is still busy: its batches' messages go to other workers")]
    public static partial void DeviceStillBusy(ILogger logger);

    [LoggerMessage(EventId = 4, Level = LogLevel.Information, Message = "The worker has stopped")]
    public static partial void Stopped(ILogger logger);
}
