namespace VlWorker.Inference.Optimizing;

internal static partial class Log
{
    [LoggerMessage(EventId = 1, Level = LogLevel.Information, Message = "Model {Alias} runs optimised from {Folder}; {Finding}")]
    public static partial void Optimised(ILogger logger, string alias, string folder, string finding);

    [LoggerMessage(EventId = 2, Level = LogLevel.Warning, Message = "Model {Alias} runs as it was exported: {Reason}")]
    public static partial void NotOptimised(ILogger logger, string alias, string reason);
}
