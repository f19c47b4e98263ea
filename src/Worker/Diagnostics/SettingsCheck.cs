namespace VlWorker.Diagnostics;

/// <summary>Whether the worker would start with these settings.</summary>
internal sealed class SettingsCheck(DoctorSettings settings) : IDiagnosticCheck
{
    private const string Remedy = "Correct them: docs/configuration.md explains each, and the worker does not start before (demo and embed need no broker and no bucket)";

    /// <inheritdoc/>
    public string Name => "settings";

    /// <inheritdoc/>
    public Task<IReadOnlyList<Finding>> RunAsync(CancellationToken cancellation) => Task.FromResult<IReadOnlyList<Finding>>(settings.Errors.Count == 0
        ? [Finding.Ok(Name, "all are valid together")]
        : [.. settings.Errors.Select(error => Finding.Fail(Name, error, Remedy))]);
}
