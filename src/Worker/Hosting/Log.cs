using VlWorker.Inference;

namespace VlWorker.Hosting;

internal static partial class Log
{
    [LoggerMessage(EventId = 1, Level = LogLevel.Information, Message = "Model {Alias}, revision {Revision}, loaded on {Device} in {Seconds:F2} s")]
    public static partial void ModelLoaded(ILogger logger, string alias, string revision, DeviceName device, double seconds);

    [LoggerMessage(EventId = 2, Level = LogLevel.Critical, Message = "The worker can't start: {Reason}")]
    public static partial void CannotStart(ILogger logger, string reason);

    [LoggerMessage(EventId = 3, Level = LogLevel.Warning, Message = "The device is still busy: its batches' messages go to other workers")]
    public static partial void DeviceStillBusy(ILogger logger);

    [LoggerMessage(EventId = 4, Level = LogLevel.Information, Message = "The worker has stopped")]
    public static partial void Stopped(ILogger logger);

    [LoggerMessage(EventId = 5, Level = LogLevel.Warning, Message = "{Device} can't be used, the processor takes over: {Problem}")]
    public static partial void FallsBack(ILogger logger, DeviceName device, string problem);

    [LoggerMessage(EventId = 6, Level = LogLevel.Critical, Message = "The worker ends with exit code {Code}, to be started again: {Reason}")]
    public static partial void DeviceLost(ILogger logger, int code, string reason);

    [LoggerMessage(EventId = 7, Level = LogLevel.Information, Message = "Model {Alias}, revision {Revision}, will be loaded on demand on {Device}: it takes {Megabytes:F0} MB and was tried in {Seconds:F2} s")]
    public static partial void ModelTried(ILogger logger, string alias, string revision, DeviceName device, double megabytes, double seconds);
}
