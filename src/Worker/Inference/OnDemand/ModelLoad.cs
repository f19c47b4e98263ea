namespace VlWorker.Inference.OnDemand;

/// <summary>When a model is loaded.</summary>
internal enum ModelLoad
{
    /// <summary>Before the worker takes work, until it ends.</summary>
    AtStart,

    /// <summary>By the first request that needs it, until others need its memory or nobody has needed it for long.</summary>
    OnDemand,
}

/// <summary>Where a model that is loaded on demand stands.</summary>
internal enum Residency
{
    /// <summary>Nothing of it but what plans requests is in memory.</summary>
    Unloaded,

    /// <summary>Its graphs are being loaded.</summary>
    Loading,

    /// <summary>It answers.</summary>
    Loaded,

    /// <summary>Its memory is being given back.</summary>
    Unloading,
}
