using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace VlWorker.Fetching;

/// <summary>Limits, time-outs and retries of reading objects.</summary>
internal sealed record FetchingOptions
{
    public static string Section => "Fetching";

    [Description("Size of an object at most, in bytes; larger ones are rejected as too-large without being read.")]
    [Range(1L, 1L << 30)]
    public long MaxBytes { get; init; } = 64L << 20;

    [Description("Memory of fetched objects that are not decoded yet, all together, in bytes; objects wait for their turn.")]
    [Range(1L, 1L << 40)]
    public long BytesInFlight { get; init; } = 256L << 20;

    [Description("Objects read at the same time, each over a connection of its own.")]
    [Range(1, 4096)]
    public int Connections { get; init; } = 64;

    [Description("Time to reach the store, TLS included, in milliseconds.")]
    [Range(1d, 600_000d)]
    public double ConnectTimeoutMs { get; init; } = 3_000;

    [Description("Time from a request until its answer begins, connecting included, in milliseconds.")]
    [Range(1d, 600_000d)]
    public double FirstByteTimeoutMs { get; init; } = 10_000;

    [Description("Longest pause within a body, in milliseconds.")]
    [Range(1d, 600_000d)]
    public double StallTimeoutMs { get; init; } = 10_000;

    [Description("Time for a whole body, so that a trickle ends too, in milliseconds.")]
    [Range(1d, 3_600_000d)]
    public double BodyTimeoutMs { get; init; } = 60_000;

    [Description("Attempts at one object before it goes to the wait queues.")]
    [Range(1, 100)]
    public int Attempts { get; init; } = 5;

    [Description("Pause before the second attempt, doubled for each further one and shortened at random by up to half, in milliseconds.")]
    [Range(1d, 60_000d)]
    public double RetryDelayMs { get; init; } = 150;

    [Description("No attempt begins later than this after the first one failed, in milliseconds.")]
    [Range(1d, 600_000d)]
    public double RetryForMs { get; init; } = 2_000;

    [Description("Span over which attempts are judged together, in milliseconds.")]
    [Range(100d, 600_000d)]
    public double StormWindowMs { get; init; } = 10_000;

    [Description("Share of failed attempts within the span from which the store itself is at fault.")]
    [Range(0.01, 1d)]
    public double StormShare { get; init; } = 0.6;

    [Description("Attempts within the span below which nothing is concluded.")]
    [Range(2, 256)]
    public int StormAttempts { get; init; } = 20;

    [Description("Different objects that must have failed before the store itself is at fault.")]
    [Range(2, 256)]
    public int StormObjects { get; init; } = 5;

    /// <summary>Settings that can't work together, each a sentence.</summary>
    public IEnumerable<string> Check()
    {
        if (BytesInFlight < MaxBytes)
            yield return $"{Section}:{nameof(BytesInFlight)}: {BytesInFlight} is below {nameof(MaxBytes)} ({MaxBytes}): one object would exceed it";
        if (FirstByteTimeoutMs < ConnectTimeoutMs)
            yield return $"{Section}:{nameof(FirstByteTimeoutMs)}: it includes connecting, so it can't be below {nameof(ConnectTimeoutMs)}";
        if (BodyTimeoutMs < StallTimeoutMs)
            yield return $"{Section}:{nameof(BodyTimeoutMs)}: it is below {nameof(StallTimeoutMs)}, which would never be reached";
        if (StormObjects > StormAttempts)
            yield return $"{Section}:{nameof(StormObjects)}: it is above {nameof(StormAttempts)}";
    }
}
