using System.Globalization;
using VlWorker.Failures;
using VlWorker.Inference;

namespace VlWorker.Diagnostics;

/// <summary>The GPUs: there, new enough, with memory to spare.</summary>
/// <param name="wanted">The GPUs that the settings name.</param>
internal sealed class GpuCheck(IReadOnlyList<DeviceName> wanted) : IDiagnosticCheck
{
    /// <summary>The oldest compute capability that CUDA 13 builds for (Turing), major * 10 + minor.</summary>
    private const int OldestCapability = 75;

    private const string Install = "Install NVIDIA's driver, or start the container with GPUs; the lines above on driver and libraries say what is missing";

    /// <inheritdoc/>
    public string Name => "gpu";

    /// <inheritdoc/>
    public Task<IReadOnlyList<Finding>> RunAsync(CancellationToken cancellation)
    {
        try
        {
            return Task.FromResult(Judge(CudaQueries.Gpus(), wanted, Environment.GetEnvironmentVariable("CUDA_VISIBLE_DEVICES")));
        }
        catch (Exception error) when (error is DllNotFoundException or EntryPointNotFoundException)
        {
            return Task.FromResult<IReadOnlyList<Finding>>([Finding.Fail(Name, "there is no driver to ask", Install)]);
        }
        catch (Exception error) when (error is InvalidOperationException or OutOfDeviceMemoryException or DeviceLostException)
        {
            return Task.FromResult<IReadOnlyList<Finding>>([Finding.Fail(Name, error.Message, Install)]);
        }
    }

    /// <summary>What the driver's facts mean.</summary>
    /// <param name="gpus">All GPUs that the process may use.</param>
    /// <param name="wanted">Those that the settings name.</param>
    /// <param name="visible">CUDA_VISIBLE_DEVICES, if it is set.</param>
    public static IReadOnlyList<Finding> Judge(IReadOnlyList<GpuFacts> gpus, IReadOnlyList<DeviceName> wanted, string? visible) =>
        [.. wanted.Select(device => gpus.FirstOrDefault(gpu => gpu.Index == device.Index) is { } gpu ? Judge(gpu) : Missing(device, gpus.Count, visible))];

    private static Finding Judge(GpuFacts gpu)
    {
        var detail = string.Create(
            CultureInfo.InvariantCulture,
            $"cuda:{gpu.Index}: {gpu.Name}, compute capability {gpu.Major}.{gpu.Minor}, {Gibibytes(gpu.Free):0.0} of {Gibibytes(gpu.Total):0.0} GiB free");
        if ((gpu.Major * 10) + gpu.Minor < OldestCapability)
            return Finding.Fail("gpu", detail, "Use a GPU of compute capability 7.5 or later (Turing): CUDA 13 has no code for older ones");
        return gpu.Free >= gpu.Total / 2
            ? Finding.Ok("gpu", detail)
            : Finding.Warn("gpu", detail, "Other programs hold its memory (nvidia-smi shows which): end them, or lower MaxBatch of the device");
    }

    private static Finding Missing(DeviceName device, int count, string? visible) => Finding.Fail(
        "gpu",
        string.Create(CultureInfo.InvariantCulture, $"{device} is not there: this process sees {count} GPUs{(visible is null ? "" : $" (CUDA_VISIBLE_DEVICES={visible})")}"),
        "Correct Inference:Devices or CUDA_VISIBLE_DEVICES, or give the container the GPU");

    private static double Gibibytes(long bytes) => bytes / (double)(1 << 30);
}
