namespace VlWorker.Serving;

internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Error, "A request to {Path} failed in an unforeseen way")]
    public static partial void Failed(ILogger logger, string path, Exception error);

    [LoggerMessage(
        2,
        LogLevel.Warning,
        "REST is open to everybody who reaches {Urls}: Serving:ApiKey or Serving:ApiKeyFile asks for a key, Serving:Rest=false closes it")]
    public static partial void OpenToAll(ILogger logger, string urls);

    [LoggerMessage(3, LogLevel.Warning, "The status page has no values at the moment")]
    public static partial void NoStatus(ILogger logger, Exception error);
}
