namespace VlWorker.Failures;

/// <summary>Something that every item needs is gone: the worker stops consuming until a probe succeeds; no item is blamed.</summary>
internal class DependencyException(Dependency dependency, string detail, Exception? inner = null) : Exception(detail, inner)
{
    public Dependency Dependency { get; } = dependency;
}

/// <summary>What a worker can't work without.</summary>
internal enum Dependency
{
    /// <summary>The object store: credentials, clock, DNS, connection, a storm of errors.</summary>
    Store,

    /// <summary>The results exchange: not reachable, nothing bound to it, or its queue full.</summary>
    Results,

    /// <summary>The device or the engine on it.</summary>
    Device,

    /// <summary>A model that can't be loaded: its files are gone, damaged or others than at the start.</summary>
    Models,
}
