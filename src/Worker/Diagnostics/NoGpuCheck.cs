namespace VlWorker.Diagnostics;

/// <summary>Says that GPUs were not looked at, and how they would be.</summary>
internal sealed class NoGpuCheck : IDiagnosticCheck
{
    /// <inheritdoc/>
    public string Name => "gpu";

    /// <inheritdoc/>
    public Task<IReadOnlyList<Finding>> RunAsync(CancellationToken cancellation) => Task.FromResult<IReadOnlyList<Finding>>(
        [Finding.Ok(Name, "no device in Inference:Devices is a GPU, so none was looked at (doctor --gpu looks all the same)")]);
}
