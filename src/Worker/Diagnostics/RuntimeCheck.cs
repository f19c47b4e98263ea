using System.Runtime.InteropServices;

namespace VlWorker.Diagnostics;

/// <summary>.NET and the system below it.</summary>
internal sealed class RuntimeCheck : IDiagnosticCheck
{
    /// <inheritdoc/>
    public string Name => "system";

    /// <inheritdoc/>
    public Task<IReadOnlyList<Finding>> RunAsync(CancellationToken cancellation)
    {
        var version = typeof(RuntimeCheck).Assembly.GetName().Version;
        return Task.FromResult<IReadOnlyList<Finding>>([Finding.Ok(
            Name, $"vl-worker {version?.ToString(3)}, {RuntimeInformation.FrameworkDescription}, {RuntimeInformation.OSDescription}, {RuntimeInformation.RuntimeIdentifier}")]);
    }
}
