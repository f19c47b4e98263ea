namespace VlWorker.Journal;

internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Warning, "A process died with {Count} messages in work ({Ids}): they will work alone, and what kills again becomes a dead letter")]
    public static partial void SuspectsFound(ILogger logger, int count, string ids);

    [LoggerMessage(2, LogLevel.Warning, "The crash journal in {Folder} can't be written, work goes on without it: {Why}")]
    public static partial void JournalFailed(ILogger logger, string folder, string why);

    [LoggerMessage(3, LogLevel.Information, "The crash journal in {Folder} is written again")]
    public static partial void JournalBack(ILogger logger, string folder);
}
