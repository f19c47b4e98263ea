using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.ML.OnnxRuntime;
using VlWorker.Failures;

namespace VlWorker.Inference.Engine;

/// <summary>
/// Tells apart what an engine's error means for the device: no memory, lost, or neither. Its errors come as texts alone, those of our own kernels among
/// them (<see cref="Cuda.CudaDriver.Check"/>).
/// </summary>
internal static partial class EngineFaults
{
    /// <summary>cudaErrorMemoryAllocation.</summary>
    private const int CudaMemoryAllocation = 2;

    /// <summary>CUBLAS_STATUS_ALLOC_FAILED.</summary>
    private const int CublasAllocFailed = 3;

    /// <summary>
    /// Errors of the CUDA runtime after which every call of this process fails (driver_types.h): uncorrectable ECC error and NVLink error, device
    /// asserts, illegal addresses, instructions and stacks, launch failures and time-outs, context destroyed, device unavailable, unknown.
    /// </summary>
    private static readonly HashSet<int> Sticky = [46, 214, 220, 226, 700, 702, 709, 710, 714, 715, 716, 717, 718, 719, 999];

    private static readonly string[] NoMemory =
    [
        "Failed to allocate memory for requested buffer",
        "CUDNN_STATUS_ALLOC_FAILED",
        "CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED",
        "CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED",
        "CUBLAS_STATUS_ALLOC_FAILED",
        "std::bad_alloc",
        "bad allocation",
    ];

    /// <summary>The fault in the worker's own words.</summary>
    /// <returns>An <see cref="OutOfDeviceMemoryException"/>, a <see cref="DeviceLostException"/>, or null for an error of another kind.</returns>
    public static Exception? Of(OnnxRuntimeException error) => Of(error.Message) switch
    {
        DeviceFault.OutOfMemory => new OutOfDeviceMemoryException(Clean(error.Message), error),
        DeviceFault.Lost => new DeviceLostException(Clean(error.Message), error),
        _ => null,
    };

    /// <summary>What an error's text says of the device.</summary>
    public static DeviceFault Of(string message)
    {
        // A lost device can make later allocations fail: it goes first.
        var failures = LibraryFailure().Matches(message);
        if (failures.Any(match => match.Groups["library"].Value == "CUDA" && Sticky.Contains(Number(match))))
            return DeviceFault.Lost;
        var noMemory = NoMemory.Any(text => message.Contains(text, StringComparison.Ordinal))
            || failures.Any(match => (match.Groups["library"].Value, Number(match)) is ("CUDA", CudaMemoryAllocation) or ("CUBLAS", CublasAllocFailed));
        return noMemory ? DeviceFault.OutOfMemory : DeviceFault.None;
    }

    /// <summary>The engine adds host name, source file and expression to a library's failure: none helps a user, and host names stay here.</summary>
    public static string Clean(string message) => Tail().Replace(message, "").Trim();

    private static int Number(Match match) => int.Parse(match.Groups["number"].ValueSpan, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"\b(?<library>CUDA|CUBLAS|CUDNN|CUFFT|CURAND) (?:failure|error) (?<number>[0-9]{1,6})[:,]")]
    private static partial Regex LibraryFailure();

    [GeneratedRegex(@" ?; GPU=-?[0-9]+ ; hostname=.*$", RegexOptions.Singleline)]
    private static partial Regex Tail();
}

/// <summary>What an error says of the device.</summary>
internal enum DeviceFault
{
    /// <summary>Nothing: the rows or the graph are at fault.</summary>
    None,

    /// <summary>The batch did not fit.</summary>
    OutOfMemory,

    /// <summary>The device is lost to this process.</summary>
    Lost,
}
