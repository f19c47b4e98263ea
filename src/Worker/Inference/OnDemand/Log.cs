namespace VlWorker.Inference.OnDemand;

internal static partial class Log
{
    [LoggerMessage(EventId = 1, Level = LogLevel.Information, Message = "Model {Alias} was loaded on demand in {Seconds:F2} s")]
    public static partial void Loaded(ILogger logger, string alias, double seconds);

    [LoggerMessage(EventId = 2, Level = LogLevel.Information, Message = "Model {Alias} was unloaded ({Reason}): resident memory went from {Before:F0} to {After:F0} MB")]
    public static partial void Unloaded(ILogger logger, string alias, string reason, double before, double after);

    [LoggerMessage(EventId = 4, Level = LogLevel.Information, Message = "Model {Alias} left {Device}: of its memory {Before:F0} MB were in use, now {After:F0} MB")]
    public static partial void LeftDevice(ILogger logger, string alias, DeviceName device, double before, double after);

    [LoggerMessage(EventId = 3, Level = LogLevel.Error, Message = "Model {Alias} can't be loaded: {Reason}")]
    public static partial void LoadFailed(ILogger logger, string alias, string reason);
}
