using System.Diagnostics;
using System.Reflection;
using VlWorker.Consuming;
using VlWorker.Describing;
using VlWorker.Inference;
using VlWorker.Inference.OnDemand;
using VlWorker.Telemetry;

namespace VlWorker.Serving.Status;

/// <summary>Makes a snapshot of the history of metrics and of what else is known of the worker.</summary>
internal sealed class StatusBoard(
    ServingOptions serving,
    ConsumingOptions consuming,
    StatusLimits limits,
    Readiness readiness,
    RecentImages recent,
    DeviceReadings readings,
    TimeProvider time)
{
    private const string Rejected = "vlworker_rejections_total";
    private const string Requested = "vlworker_requests_total";
    private const string Cpu = "cpu";

    private static readonly string[] StageNames = ["fetch", "decode", "batch-wait", "inference", "publish"];

    private static readonly string Version =
        typeof(StatusBoard).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];

    private readonly long _started = time.GetTimestamp();
    private (TimeSpan Used, long At) _processor = (TimeSpan.Zero, time.GetTimestamp());

    /// <summary>A snapshot.</summary>
    /// <param name="history">The metrics.</param>
    /// <param name="depths">Messages on the queues, by name.</param>
    /// <param name="models">The models; null while they are not loaded.</param>
    public StatusSnapshot Take(StatusHistory history, IReadOnlyDictionary<string, long> depths, ModelRegistry? models) => new()
    {
        At = time.GetUtcNow().UtcDateTime,
        NotReady = readiness.Reasons(),
        Version = Version,
        UptimeSeconds = Math.Round(time.GetElapsedTime(_started).TotalSeconds),
        ImagesPerSecond = Math.Round(history.ImagesPerSecond, 2),
        Throughput = [.. history.Throughput.Select(value => Math.Round(value, 2))],
        WaitingRows = history.Last.Sum("vlworker_batcher_waiting_rows"),
        Lanes = [.. consuming.Lanes().Select(lane => Of(lane, history, depths))],
        Rest = serving.Rest ? Requests(history) : null,
        Stages = [.. StageNames.Select(stage => new StageStatus(stage, history.Mean("vlworker_stage_seconds", ("stage", stage)) * 1000))],
        Batches = [.. Batches(history)],
        Devices = [.. models?.Devices.Select(device => Of(device, history)) ?? []],
        Memory =
        [
            new MemoryUse("fetched bytes", history.Last.Sum("vlworker_fetch_bytes_in_flight"), limits.EncodedBytes),
            new MemoryUse("pixels", history.Last.Sum("vlworker_pixel_bytes_in_flight"), limits.PixelBytes),
        ],
        Rejections = [.. Rejections(history)],
        Models = [.. models?.Loaded.Select(model => Of(model, models.ResidencyOf(model.Alias))) ?? []],
        Captions = recent.IsOn ? [.. recent.All.Select(Of)] : null,
    };

    private static ModelStatus Of(LoadedModel model, Residency? residency) => new(
        model.Alias, model.Revision, model.Tasks, model.Device, model.Precision, model.Optimized, residency?.ToString().ToLowerInvariant(), model.Bytes);

    private static CaptionStatus Of(RecentImage image) =>
        new(image.Id, image.Key, image.Caption, image.Model, image.Width, image.Height, image.At.UtcDateTime);

    private static LaneStatus Of(Lane lane, StatusHistory history, IReadOnlyDictionary<string, long> depths) => new(
        lane.Name,
        lane.Queue,
        depths.TryGetValue(lane.Queue, out var depth) ? depth : null,
        history.Last.Sum("vlworker_in_flight_messages", ("lane", lane.Name)),
        lane.Prefetch,
        Math.Round(history.Rate("vlworker_messages_total", ("lane", lane.Name)), 2),
        Outcomes(history.Last.Series("vlworker_messages_total", ("lane", lane.Name))));

    private RestStatus Requests(StatusHistory history) => new(
        history.Last.Sum("vlworker_requests_in_hand"),
        serving.Backlog,
        Math.Round(history.Rate("vlworker_requests_total", ("outcome", ServingMetrics.Ok)), 2),
        Outcomes(history.Last.Series("vlworker_requests_total")));

    private static Dictionary<string, double> Outcomes(IEnumerable<(Dictionary<string, string> Labels, double Value)> series) =>
        series.GroupBy(one => one.Labels["outcome"], StringComparer.Ordinal)
            .ToDictionary(group => group.Key, group => group.Sum(one => one.Value), StringComparer.Ordinal);

    private static IEnumerable<BatchStatus> Batches(StatusHistory history)
    {
        foreach (var (labels, _) in history.Last.Series("vlworker_batch_size_count"))
        {
            (string, string)[] where = [("model", labels["model"]), ("device", labels["device"])];
            var limit = history.Last.Sum("vlworker_batch_limit_rows", where);
            yield return new BatchStatus(
                labels["model"], labels["device"], history.Mean("vlworker_batch_size", where), limit > 0 ? limit : null, [.. Sizes(history, where)]);
        }
    }

    /// <summary>Prometheus counts up to each bound: what lies between two is the difference.</summary>
    private static IEnumerable<SizeCount> Sizes(StatusHistory history, (string Label, string Value)[] where)
    {
        var before = 0d;
        var buckets = history.Last.Series("vlworker_batch_size_bucket", where).OrderBy(series => Bound(series.Labels["le"]) ?? double.MaxValue);
        foreach (var (labels, _) in buckets)
        {
            var upTo = history.Growth("vlworker_batch_size_bucket", [.. where, ("le", labels["le"])]);
            yield return new SizeCount(Bound(labels["le"]), upTo - before);
            before = upTo;
        }
    }

    private static double? Bound(string le) => le == "+Inf" ? null : double.Parse(le, System.Globalization.CultureInfo.InvariantCulture);

    private DeviceUse Of(Device device, StatusHistory history)
    {
        var busy = history.Growth("vlworker_batch_seconds_sum", ("device", device.Name)) / (history.Seconds * device.Streams);
        var reading = readings.Find(device.Name) ?? (device.Name == Cpu ? Processor() : new DeviceStatus(device.Name));
        return new DeviceUse(device.Streams, Math.Round(Math.Clamp(busy, 0, 1) * 100, 1), reading);
    }

    /// <summary>The processor is this process's to read: its own use of all cores, and its own memory.</summary>
    private DeviceStatus Processor()
    {
        var (used, now) = (Environment.CpuUsage.TotalTime, time.GetTimestamp());
        var share = (used - _processor.Used) / (time.GetElapsedTime(_processor.At, now) * Environment.ProcessorCount);
        _processor = (used, now);
        return new DeviceStatus(Cpu)
        {
            UtilizationPercent = double.IsFinite(share) ? Math.Round(Math.Clamp(share, 0, 1) * 100, 1) : null,
            MemoryUsedBytes = Environment.WorkingSet,
            MemoryTotalBytes = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes,
        };
    }

    private static IEnumerable<RejectionCount> Rejections(StatusHistory history)
    {
        var reasons = history.Last.Series(Rejected).Select(series => series.Labels["reason"])
            .Concat(history.Last.Series(Requested).Select(series => series.Labels["outcome"]).Where(outcome => outcome != ServingMetrics.Ok));
        return reasons.Distinct(StringComparer.Ordinal)
            .Select(reason => new RejectionCount(
                reason,
                history.Last.Sum(Rejected, ("reason", reason)) + history.Last.Sum(Requested, ("outcome", reason)),
                history.Growth(Rejected, ("reason", reason)) + history.Growth(Requested, ("outcome", reason))))
            .Where(count => count.Total > 0)
            .OrderByDescending(count => count.Total);
    }
}

/// <summary>Capacities of the budgets that the page shows.</summary>
internal sealed record StatusLimits(long EncodedBytes, long PixelBytes);
