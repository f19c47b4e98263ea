using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace VlWorker.Batching;

/// <summary>The hard bounds of every batch, whatever is learned within them.</summary>
internal sealed record BatchingOptions
{
    public static string Section => "Batching";

    [Description("Rows of a batch at most, where a device has no bound of its own.")]
    [Range(1, 4096)]
    public int MaxBatch { get; init; } = 16;

    [Description("How long a batch waits for more rows while a device is free. Learned: as long as that pays, by the times of its batches and the arrival of rows, at most MaxWaitMs. Fixed: MaxWaitMs.")]
    public WindowKind Window { get; init; } = WindowKind.Learned;

    [Description("Longest time a row waits for its batch to fill while a device is free, in milliseconds. Rows of backfill alone always wait so long.")]
    [Range(0d, 60_000d)]
    public double MaxWaitMs { get; init; } = 10;

    [Description("A backfill row that has waited this long no longer lets all interactive rows pass: every fourth row of a batch, or every fourth batch, is then backfill's. In milliseconds.")]
    [Range(1d, 3_600_000d)]
    public double BackfillAgeMs { get; init; } = 5_000;

    [Description("Batches that run at the same time; 0 takes the number of processor cores.")]
    [Range(0, 256)]
    public int Streams { get; init; }

    [Description("Time after which a batch larger than what fitted into a device's memory is tried again; it doubles where that keeps failing.")]
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan MemoryRetryAfter { get; init; } = TimeSpan.FromMinutes(10);

    [Description("Idle time after which the processor's models give memory back that only larger batches need; zero keeps it.")]
    [Range(typeof(TimeSpan), "00:00:00", "1.00:00:00")]
    public TimeSpan TrimAfterIdle { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary><see cref="Streams"/> with 0 resolved.</summary>
    public int EffectiveStreams() => Streams == 0 ? Environment.ProcessorCount : Streams;
}
