namespace VlWorker.Batching;

/// <summary>Who goes first. Lower values go first.</summary>
internal enum BatchPriority
{
    /// <summary>Somebody waits for it.</summary>
    Interactive,

    /// <summary>Fills what is left of every batch and all idle time.</summary>
    Backfill,
}
