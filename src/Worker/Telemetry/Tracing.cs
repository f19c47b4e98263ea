using System.Diagnostics;

namespace VlWorker.Telemetry;

/// <summary>The worker's spans (docs/observability.md): a message's stages below its own, and batches that link the messages in them.</summary>
/// <remarks>Everything here costs next to nothing while nobody listens to <see cref="Source"/>.</remarks>
internal static class Tracing
{
    /// <summary>Links of a batch's span at most; the SDK would drop those above 128.</summary>
    private const int MostLinks = 127;

    /// <summary>The source of all spans.</summary>
    public static ActivitySource Source { get; } = new("VlWorker");

    /// <summary>Runs a stage as a span below the current one. A failure is the span's status.</summary>
    public static async Task<T> StageAsync<T>(string name, Func<Activity?, Task<T>> work)
    {
        using var span = Source.StartActivity(name);
        try
        {
            return await work(span);
        }
        catch (Exception error)
        {
            span?.SetStatus(ActivityStatusCode.Error, error.Message);
            throw;
        }
    }

    /// <summary>Writes down a stage that is over, as a span below the current one.</summary>
    /// <param name="name">The stage.</param>
    /// <param name="from">When it began.</param>
    /// <param name="until">When it ended.</param>
    /// <param name="link">A span that it has to do with; default for none.</param>
    /// <param name="tags">Attributes.</param>
    public static void Record(string name, DateTimeOffset from, DateTimeOffset until, ActivityContext link, params ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        if (Activity.Current is not { } parent || !Source.HasListeners())
            return;
        ActivityLink[] links = link == default ? [] : [new ActivityLink(link)];
        using var span = Source.StartActivity(ActivityKind.Internal, parent.Context, tags.ToArray(), links, from, name);
        span?.SetEndTime(until.UtcDateTime);
    }

    /// <summary>Starts the span of a batch: in the trace of the first of its messages that is recorded, with links to the others.</summary>
    /// <param name="model">The model's alias.</param>
    /// <param name="device">The device.</param>
    /// <param name="rows">The span that each row was submitted in; default for none.</param>
    public static Activity? StartBatch(string model, string device, IEnumerable<ActivityContext> rows)
    {
        if (!Source.HasListeners())
            return null;
        var recorded = rows.Where(row => row.TraceFlags.HasFlag(ActivityTraceFlags.Recorded)).Distinct().Take(MostLinks + 1).ToList();
        if (recorded.Count == 0)
            return null;
        var span = Source.StartActivity("batch", ActivityKind.Internal, recorded[0], tags: null, recorded.Skip(1).Select(row => new ActivityLink(row)));
        return span?.SetTag("vlworker.model", model).SetTag("vlworker.device", device);
    }

    /// <summary>Links messages whose rows have joined a batch to its span.</summary>
    /// <param name="span">The batch's; null while nobody records.</param>
    /// <param name="rows">As for <see cref="StartBatch"/>.</param>
    public static void Link(Activity? span, IEnumerable<ActivityContext> rows)
    {
        if (span is null)
            return;
        foreach (var row in rows.Where(row => row.TraceFlags.HasFlag(ActivityTraceFlags.Recorded)).Distinct().Take(MostLinks - span.Links.Count()))
            span.AddLink(new ActivityLink(row));
    }
}
