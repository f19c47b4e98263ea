using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using VlWorker.Contracts;

namespace VlWorker.Consuming;

/// <summary>What is taken from the broker, how much at a time, and what happens to messages that fail.</summary>
internal sealed record ConsumingOptions
{
    public static string Section => "Consuming";

    [Description("Messages of the interactive lane in the worker's hands at most; 0 leaves the lane to other workers.")]
    [Range(0, 10_000)]
    public int InteractivePrefetch { get; init; } = 64;

    [Description("Messages of the backfill lane in the worker's hands at most; 0 leaves the lane to other workers.")]
    [Range(0, 10_000)]
    public int BackfillPrefetch { get; init; } = 128;

    [Description("Texts in the worker's hands at most; 0 leaves the lane to other workers.")]
    [Range(0, 10_000)]
    public int TextPrefetch { get; init; } = 64;

    [Description("Attempts at a message that fails for a passing reason of its own; between them it waits 5 s, 1 min, 10 min, 10 min, ...")]
    [Range(1, 20)]
    public int MaxAttempts { get; init; } = 4;

    [Description("Attempts at a message that names an unknown model, in the hope that another worker has it, before it is rejected: with 3, after about a minute.")]
    [Range(1, 20)]
    public int UnknownModelAttempts { get; init; } = 3;

    [Description("Time between stopping to consume at shutdown and giving up what is still in the pipeline.")]
    [Range(typeof(TimeSpan), "00:00:00", "00:30:00")]
    public TimeSpan GracePeriod { get; init; } = TimeSpan.FromSeconds(25);

    [Description("First pause before a failed dependency is probed again; it doubles up to ProbeMaximum.")]
    [Range(typeof(TimeSpan), "00:00:00.010", "00:10:00")]
    public TimeSpan ProbeInitial { get; init; } = TimeSpan.FromMilliseconds(500);

    [Description("Longest pause between two probes of a failed dependency.")]
    [Range(typeof(TimeSpan), "00:00:00.010", "01:00:00")]
    public TimeSpan ProbeMaximum { get; init; } = TimeSpan.FromSeconds(30);

    [Description("Probes that must succeed in a row before messages are taken again.")]
    [Range(1, 100)]
    public int ProbesToReopen { get; init; } = 2;

    /// <summary>The lanes that this worker takes.</summary>
    public IReadOnlyList<Lane> Lanes() =>
    [
        .. new[]
        {
            new Lane(LaneKind.Interactive, Topology.InteractiveQueue, Topology.InteractiveRoutingKey, InteractivePrefetch),
            new Lane(LaneKind.Backfill, Topology.BackfillQueue, Topology.BackfillRoutingKey, BackfillPrefetch),
            new Lane(LaneKind.Text, Topology.TextQueue, Topology.TextRoutingKey, TextPrefetch),
        }.Where(lane => lane.Prefetch > 0),
    ];

    /// <summary>Everything that is wrong with these settings together.</summary>
    public IReadOnlyList<string> Check()
    {
        var errors = new List<string>();
        if (Lanes().Count == 0)
            errors.Add("every lane is off: set InteractivePrefetch, BackfillPrefetch or TextPrefetch");
        if (ProbeInitial > ProbeMaximum)
            errors.Add("ProbeInitial is above ProbeMaximum");
        return errors;
    }
}
