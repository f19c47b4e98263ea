using VlWorker.Inference.Cuda;

namespace VlWorker.Bench.Gpu;

/// <summary>Tables of what an engine measured when it started.</summary>
internal static class GpuTables
{
    /// <summary>What each recorded batch size takes.</summary>
    public static string Sizes(BatchSizes sizes) => string.Join('\n',
    [
        "Measured at start, one batch by itself:",
        string.Empty,
        "| batch | kernel by kernel, ms | recorded, ms | images/s |",
        "|---|---|---|---|",
        .. sizes.Milliseconds.OrderBy(entry => entry.Key).Select(entry => FormattableString.Invariant(
            $"| {entry.Key} | {entry.Value.Plain:0.00} | {entry.Value.Recorded:0.00} | {entry.Key / entry.Value.Recorded * 1000:0} |")),
    ]);
}
