using VlWorker.Batching;

namespace VlWorker.Consuming;

/// <summary>What travels in a lane, and how urgent it is.</summary>
internal enum LaneKind
{
    /// <summary>Images that somebody waits for.</summary>
    Interactive,

    /// <summary>Images that may wait.</summary>
    Backfill,

    /// <summary>Texts; somebody waits for them.</summary>
    Text,
}

/// <summary>A queue of requests as this worker takes it.</summary>
/// <param name="Kind">What travels in it.</param>
/// <param name="Queue">The queue's name.</param>
/// <param name="Name">The lane's name: its routing key.</param>
/// <param name="Prefetch">Messages in the worker's hands at most.</param>
internal sealed record Lane(LaneKind Kind, string Queue, string Name, int Prefetch)
{
    /// <summary>The priority of this lane's rows.</summary>
    public BatchPriority Priority => Kind == LaneKind.Backfill ? BatchPriority.Backfill : BatchPriority.Interactive;
}
