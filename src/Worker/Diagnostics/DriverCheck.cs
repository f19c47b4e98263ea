using System.Globalization;
using System.Text.RegularExpressions;

namespace VlWorker.Diagnostics;

/// <summary>The NVIDIA driver: the kernel's part and the library.</summary>
internal sealed partial class DriverCheck : IDiagnosticCheck
{
    /// <summary>The CUDA that the engine was built with; a driver for an older one can't run it.</summary>
    public const int RequiredCuda = 13;

    private const string Library = "libcuda.so.1";
    private const string KernelVersion = "/proc/driver/nvidia/version";

    private const string Install = "Install NVIDIA's driver, 580 or later (Debian: nvidia-driver), and reboot; in a container, start it with GPUs "
        + "(docker run --gpus all, in Kubernetes nvidia.com/gpu: 1) and NVIDIA's container toolkit on the host";

    /// <inheritdoc/>
    public string Name => "driver";

    /// <inheritdoc/>
    public async Task<IReadOnlyList<Finding>> RunAsync(CancellationToken cancellation)
    {
        var kernel = File.Exists(KernelVersion) ? ParseKernelVersion(await File.ReadAllTextAsync(KernelVersion, cancellation)) : null;
        var library = SharedLibrary.Load(Library);
        return [Judge(kernel, library is not null, library?.Path, library?.CallForNumber("cuDriverGetVersion"))];
    }

    /// <summary>What was found means this.</summary>
    /// <param name="kernel">Version of the kernel's part; null if the system does not tell, as in some containers.</param>
    /// <param name="loaded">Whether libcuda.so.1 loads.</param>
    /// <param name="path">Where it was found.</param>
    /// <param name="cuda">The newest CUDA that it can run, 1000 * major + 10 * minor.</param>
    public static Finding Judge(string? kernel, bool loaded, string? path, int? cuda)
    {
        const string check = "driver";
        if (!loaded)
        {
            return Finding.Fail(
                check, kernel is null ? $"there is no NVIDIA driver ({Library} is not found)" : $"the kernel has driver {kernel}, but {Library} is not found", Install);
        }

        var detail = $"{(kernel is null ? "of unknown version" : $"version {kernel}")}, {path ?? Library}, runs CUDA up to {Version(cuda)}";
        return cuda >= RequiredCuda * 1000
            ? Finding.Ok(check, detail)
            : Finding.Fail(check, detail, $"Update the driver to 580 or later: this build of ONNX Runtime needs CUDA {RequiredCuda}");
    }

    /// <summary>The version in the text of /proc/driver/nvidia/version; null if there is none.</summary>
    public static string? ParseKernelVersion(string text) => Numbers().Match(text.Split('\n')[0]) is { Success: true } match ? match.Value : null;

    private static string Version(int? cuda) => cuda is { } number
        ? string.Create(CultureInfo.InvariantCulture, $"{number / 1000}.{number % 1000 / 10}")
        : "an unknown version";

    [GeneratedRegex(@"\b[0-9]{3,}\.[0-9.]+\b")]
    private static partial Regex Numbers();
}
