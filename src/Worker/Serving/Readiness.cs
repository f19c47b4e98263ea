using VlWorker.Inference;

namespace VlWorker.Serving;

/// <summary>Whether the worker takes work.</summary>
/// <param name="Reasons">Why it takes none now, one line a reason; empty when it does.</param>
/// <param name="Models">The models; null until they are loaded.</param>
internal sealed record Readiness(Func<IReadOnlyList<string>> Reasons, Func<ModelRegistry?> Models)
{
    /// <summary>Why it takes no work, for a person; null while it does.</summary>
    public string? Reason => Reasons() is { Count: > 0 } reasons ? string.Join("; ", reasons) : null;
}
