namespace VlWorker.Telemetry.Gpu;

internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Warning, "There will be no metrics of GPUs: {Problem}")]
    public static partial void GpuMetricsOff(ILogger logger, string problem);

    [LoggerMessage(2, LogLevel.Warning, "There will be no metrics of {Device}: NVIDIA's management library knows no GPU at {PciBusId}")]
    public static partial void GpuUnknown(ILogger logger, string device, string pciBusId);
}
