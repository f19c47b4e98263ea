using VlWorker.Batching;
using VlWorker.Telemetry;

namespace VlWorker.Describing;

/// <summary>A row's time in the batcher and on the device as spans of its message, the second with a link to the batch's own.</summary>
internal static class BatchSpans
{
    /// <summary>Writes them down once the outcome is there.</summary>
    public static BatchedOutcome Record(string task, BatchedOutcome outcome)
    {
        var name = new KeyValuePair<string, object?>("vlworker.task", task);
        Tracing.Record("batch-wait", outcome.Started - outcome.Waited, outcome.Started, default, name);
        Tracing.Record("inference", outcome.Started, outcome.Started + outcome.Ran, outcome.Trace, name, new("vlworker.batch.size", outcome.BatchSize));
        return outcome;
    }
}
