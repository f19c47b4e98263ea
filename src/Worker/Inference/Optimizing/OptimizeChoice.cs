namespace VlWorker.Inference.Optimizing;

/// <summary>Whether a model is optimised when it is loaded first.</summary>
internal enum OptimizeChoice
{
    /// <summary>It is, into the cache, and compared with the export; if that finds a difference, the export runs.</summary>
    Auto,

    /// <summary>The graphs run as they were exported.</summary>
    Off,
}
