using VlWorker.Failures;

namespace VlWorker.Consuming;

/// <summary>Whether messages are taken, and if not, why.</summary>
/// <param name="Failures">What is gone, with a sentence each; empty while messages are taken.</param>
/// <param name="Since">When the gate opened or closed last.</param>
internal sealed record GateState(IReadOnlyDictionary<Dependency, string> Failures, DateTimeOffset Since)
{
    /// <summary>Whether messages are taken.</summary>
    public bool IsOpen => Failures.Count == 0;

    /// <summary>Why no messages are taken, for a person; null while they are.</summary>
    public string? Reason => IsOpen ? null : string.Join("; ", Failures.OrderBy(pair => pair.Key).Select(pair => $"{pair.Key.ToString().ToLowerInvariant()}: {pair.Value}"));
}
