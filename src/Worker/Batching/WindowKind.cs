namespace VlWorker.Batching;

/// <summary>How it is decided how long a batch waits for more rows.</summary>
internal enum WindowKind
{
    /// <summary>As long as waiting pays, by the learned times of batches and arrivals.</summary>
    Learned,

    /// <summary>As long as the settings allow.</summary>
    Fixed,
}
