using VlWorker.Telemetry;

namespace VlWorker.Serving.Status;

/// <summary>
/// All that the status page shows at one moment. Rates and times are those of the last minute, or since the start if that is shorter.
/// </summary>
internal sealed record StatusSnapshot
{
    /// <summary>When it was taken, UTC.</summary>
    public required DateTime At { get; init; }

    /// <summary>Why the worker takes no work; empty when it does.</summary>
    public required IReadOnlyList<string> NotReady { get; init; }

    /// <summary>The worker's version.</summary>
    public required string Version { get; init; }

    /// <summary>Seconds since its start.</summary>
    public required double UptimeSeconds { get; init; }

    /// <summary>Images a second, of messages and requests.</summary>
    public required double ImagesPerSecond { get; init; }

    /// <summary>Images a second, one value a second, the oldest first, up to two minutes.</summary>
    public required IReadOnlyList<double> Throughput { get; init; }

    /// <summary>Rows that wait for a batch.</summary>
    public required double WaitingRows { get; init; }

    public required IReadOnlyList<LaneStatus> Lanes { get; init; }

    public required RestStatus? Rest { get; init; }

    public required IReadOnlyList<StageStatus> Stages { get; init; }

    public required IReadOnlyList<BatchStatus> Batches { get; init; }

    public required IReadOnlyList<DeviceUse> Devices { get; init; }

    public required IReadOnlyList<MemoryUse> Memory { get; init; }

    public required IReadOnlyList<RejectionCount> Rejections { get; init; }

    public required IReadOnlyList<ModelStatus> Models { get; init; }

    /// <summary>The last captions, newest first; null where they are switched off.</summary>
    public required IReadOnlyList<CaptionStatus>? Captions { get; init; }
}

/// <summary>A lane of messages.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Queue">Its queue.</param>
/// <param name="Depth">Messages that wait on the queue; null where the broker was not asked or does not say.</param>
/// <param name="InHand">Messages in the worker's hands.</param>
/// <param name="Prefetch">As many at most.</param>
/// <param name="PerSecond">Messages settled a second.</param>
/// <param name="Outcomes">Messages since the start, by outcome.</param>
internal sealed record LaneStatus(
    string Name, string Queue, long? Depth, double InHand, int Prefetch, double PerSecond, IReadOnlyDictionary<string, double> Outcomes);

/// <summary>REST requests.</summary>
/// <param name="InHand">Images and texts in the worker's hands.</param>
/// <param name="Backlog">As many at most.</param>
/// <param name="PerSecond">Requests that got their result, a second.</param>
/// <param name="Outcomes">Requests since the start, by outcome.</param>
internal sealed record RestStatus(double InHand, int Backlog, double PerSecond, IReadOnlyDictionary<string, double> Outcomes);

/// <summary>A stage.</summary>
/// <param name="Name">Its name.</param>
/// <param name="MeanMs">Mean time of an image in it, in milliseconds; null if there was none.</param>
internal sealed record StageStatus(string Name, double? MeanMs);

/// <summary>A model's batches on a device.</summary>
/// <param name="Model">The model's alias.</param>
/// <param name="Device">The device.</param>
/// <param name="MeanRows">Mean rows of a batch; null if there was none.</param>
/// <param name="Limit">Rows of a batch at most, if it has run.</param>
/// <param name="Sizes">Batches by size.</param>
internal sealed record BatchStatus(string Model, string Device, double? MeanRows, double? Limit, IReadOnlyList<SizeCount> Sizes);

/// <summary>Batches of up to so many rows, and of more than the entry before; null is any number.</summary>
internal sealed record SizeCount(double? UpTo, double Count);

/// <summary>A device.</summary>
/// <param name="Streams">Batches that may run on it at the same time.</param>
/// <param name="BusyPercent">Share of its streams' time in which they ran batches.</param>
/// <param name="Reading">What it says of itself.</param>
internal sealed record DeviceUse(int Streams, double BusyPercent, DeviceStatus Reading);

/// <summary>A budget of memory.</summary>
/// <param name="Name">What it is for.</param>
/// <param name="UsedBytes">Bytes charged to it.</param>
/// <param name="CapacityBytes">Bytes at most.</param>
internal sealed record MemoryUse(string Name, double UsedBytes, long CapacityBytes);

/// <summary>Messages and requests that were rejected for a reason.</summary>
internal sealed record RejectionCount(string Reason, double Total, double LastMinute);

/// <summary>A model on a device.</summary>
/// <param name="State">Loaded for good: null. On demand: where it stands, such as <c>loaded</c> or <c>unloaded</c>.</param>
/// <param name="Bytes">Memory that it takes while it is loaded, if it is loaded on demand.</param>
internal sealed record ModelStatus(
    string Alias, string Revision, IReadOnlyList<string> Tasks, string Device, string Precision, bool Optimized, string? State, long? Bytes);

/// <summary>A captioned image; its thumbnail is at /status/thumbnails/&lt;id&gt;.</summary>
internal sealed record CaptionStatus(long Id, string? Key, string Caption, string Model, int Width, int Height, DateTime At);

/// <summary>A setting, with secrets hidden.</summary>
internal sealed record Setting(string Name, string Value, bool IsDefault);
