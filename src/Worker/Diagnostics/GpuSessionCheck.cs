using System.Globalization;
using VlWorker.Inference;
using VlWorker.Inference.Engine;

namespace VlWorker.Diagnostics;

/// <summary>A graph really runs on the GPU: every node of it, and with the right result.</summary>
internal sealed class GpuSessionCheck(DeviceName device) : IDiagnosticCheck
{
    private const string Remedy = "The lines above on driver, libraries and build say what is missing; with all of them fine, LD_DEBUG=libs shows what the loader looks for";

    /// <inheritdoc/>
    public string Name => "gpu session";

    /// <inheritdoc/>
    public Task<IReadOnlyList<Finding>> RunAsync(CancellationToken cancellation) => Task.FromResult<IReadOnlyList<Finding>>([Run()]);

    private Finding Run()
    {
        if (CudaDevice.Build() is { } build)
            return Finding.Fail(Name, $"{device}: {build}", "Build with -p:Gpu=true (docs/gpu.md)");
        try
        {
            return Judge(device, ProviderProbe.Run(device));
        }
        catch (ProbeException error)
        {
            return Finding.Fail(Name, $"{device}: {error.Message}", Remedy);
        }
    }

    /// <summary>What a run of the probe means.</summary>
    public static Finding Judge(DeviceName device, ProbeResult result)
    {
        const string check = "gpu session";
        var elsewhere = result.Providers.Where(pair => pair.Value != CudaDevice.Provider).Select(pair => $"{pair.Key} on {pair.Value}").ToList();
        if (result.Providers.Count == 0)
            return Finding.Fail(check, $"{device}: the engine does not tell where nodes ran", Remedy);
        if (elsewhere.Count > 0)
            return Finding.Fail(check, $"{device}: not all nodes ran on the GPU: {string.Join(", ", elsewhere)}", Remedy);
        return result.Deviation <= ProbeResult.Tolerance
            ? Finding.Ok(check, string.Create(CultureInfo.InvariantCulture, $"{device}: {result.Providers.Count} of {result.Providers.Count} nodes ran on {CudaDevice.Provider}, result as on the processor"))
            : Finding.Fail(check, string.Create(CultureInfo.InvariantCulture, $"{device}: the result is wrong by {result.Deviation:g3}"), "The GPU or its driver is defective: nvidia-smi -q shows memory errors; use another");
    }
}
