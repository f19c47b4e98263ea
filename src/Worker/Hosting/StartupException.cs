namespace VlWorker.Hosting;

/// <summary>The worker can't start; every reason at once.</summary>
internal sealed class StartupException(IReadOnlyList<string> errors)
    : Exception($"The worker can't start: {errors.Count} error{(errors.Count == 1 ? "" : "s")}.\n  - {string.Join("\n  - ", errors)}")
{
    public IReadOnlyList<string> Errors { get; } = errors;
}
