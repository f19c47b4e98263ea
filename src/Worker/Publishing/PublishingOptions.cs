using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace VlWorker.Publishing;

/// <summary>How results leave the worker.</summary>
internal sealed record PublishingOptions
{
    public static string Section => "Publishing";

    [Description("Declare the durable queue vl.results, bound to every result, so that none is lost before an indexer has a queue of its own.")]
    public bool DeclareResultsQueue { get; init; } = true;

    [Description("Drop results that no queue is bound for, instead of stopping until one is.")]
    public bool DropUnroutable { get; init; }

    [Description("How long a computed result is kept while it can't be published; then its message goes back to the queue. Below the broker's consumer time-out (30 min).")]
    [Range(typeof(TimeSpan), "00:00:00", "00:25:00")]
    public TimeSpan HoldFor { get; init; } = TimeSpan.FromMinutes(10);

    [Description("Time allowed for the broker's confirm of one message.")]
    [Range(typeof(TimeSpan), "00:00:01", "00:10:00")]
    public TimeSpan ConfirmTimeout { get; init; } = TimeSpan.FromSeconds(30);

    [Description("Channels that publish side by side.")]
    [Range(1, 64)]
    public int Channels { get; init; } = 2;

    [Description("Messages of one channel that may wait for their confirm.")]
    [Range(1, 65536)]
    public int OutstandingConfirms { get; init; } = 1024;

    /// <summary>Everything that is wrong with these settings together.</summary>
    public IReadOnlyList<string> Check() => ConfirmTimeout > HoldFor && HoldFor > TimeSpan.Zero
        ? ["HoldFor is shorter than ConfirmTimeout: no result would be retried"]
        : [];
}
