using System.Diagnostics;
using VlWorker.Inference;

namespace VlWorker.Batching;

/// <summary>What became of a submitted row, and what it cost.</summary>
/// <param name="Outcome">A <see cref="CaptionOutcome"/> or an <see cref="EmbeddingOutcome"/>.</param>
/// <param name="Waited">From submission until the batch was formed.</param>
/// <param name="Ran">Run time of the batch until the row's outcome was known.</param>
/// <param name="BatchSize">Rows in the batch.</param>
internal sealed record BatchedOutcome(InferenceOutcome Outcome, TimeSpan Waited, TimeSpan Ran, int BatchSize)
{
    /// <summary>When the batch began to run.</summary>
    public DateTimeOffset Started { get; init; }

    /// <summary>The batch's span; default while nobody records.</summary>
    public ActivityContext Trace { get; init; }
}
