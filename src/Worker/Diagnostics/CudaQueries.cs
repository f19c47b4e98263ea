using System.Runtime.InteropServices;
using System.Text;

namespace VlWorker.Diagnostics;

/// <summary>What the driver knows of a GPU.</summary>
/// <param name="Index">Its number within CUDA_VISIBLE_DEVICES.</param>
/// <param name="Name">The maker's name.</param>
/// <param name="Major">Compute capability, first part.</param>
/// <param name="Minor">Compute capability, second part.</param>
/// <param name="Free">Bytes of memory that nobody holds.</param>
/// <param name="Total">Bytes of memory.</param>
internal sealed record GpuFacts(int Index, string Name, int Major, int Minor, long Free, long Total);

/// <summary>Questions to the driver (cuda.h), asked without the engine: what it says holds whether the engine works or not.</summary>
internal static partial class CudaQueries
{
    private const string Library = "libcuda.so.1";
    private const int ComputeCapabilityMajor = 75;
    private const int ComputeCapabilityMinor = 76;

    /// <summary>All GPUs that this process may use.</summary>
    /// <exception cref="DllNotFoundException">There is no driver.</exception>
    /// <exception cref="InvalidOperationException">The driver refuses; the message has its number.</exception>
    public static IReadOnlyList<GpuFacts> Gpus()
    {
        Check(Init(0), "cuInit");
        Check(DeviceCount(out var count), "cuDeviceGetCount");
        return [.. Enumerable.Range(0, count).Select(Ask)];
    }

    private static GpuFacts Ask(int index)
    {
        Check(DeviceGet(out var device, index), "cuDeviceGet");
        Check(Attribute(out var major, ComputeCapabilityMajor, device), "cuDeviceGetAttribute");
        Check(Attribute(out var minor, ComputeCapabilityMinor, device), "cuDeviceGetAttribute");
        // Free memory is a question to a context.
        Check(RetainContext(out var context, device), "cuDevicePrimaryCtxRetain");
        try
        {
            Check(SetContext(context), "cuCtxSetCurrent");
            Check(MemoryInfo(out var free, out var total), "cuMemGetInfo");
            return new GpuFacts(index, NameOf(device), major, minor, (long)free, (long)total);
        }
        finally
        {
            _ = SetContext(0);
            _ = ReleaseContext(device);
        }
    }

    private static unsafe string NameOf(int device)
    {
        Span<byte> name = stackalloc byte[256];
        fixed (byte* pointer = name)
            Check(DeviceName(pointer, name.Length, device), "cuDeviceGetName");
        return Encoding.UTF8.GetString(name[..name.IndexOf((byte)0)]);
    }

    private static void Check(int result, string call)
    {
        if (result != 0)
            throw new InvalidOperationException($"{call} failed with {result}: {(ErrorName(result, out var text) == 0 ? Marshal.PtrToStringUTF8(text) : "unknown")}");
    }

    [LibraryImport(Library, EntryPoint = "cuInit")]
    private static partial int Init(uint flags);

    [LibraryImport(Library, EntryPoint = "cuDeviceGetCount")]
    private static partial int DeviceCount(out int count);

    [LibraryImport(Library, EntryPoint = "cuDeviceGet")]
    private static partial int DeviceGet(out int device, int ordinal);

    [LibraryImport(Library, EntryPoint = "cuDeviceGetName")]
    private static unsafe partial int DeviceName(byte* name, int length, int device);

    [LibraryImport(Library, EntryPoint = "cuDeviceGetAttribute")]
    private static partial int Attribute(out int value, int attribute, int device);

    [LibraryImport(Library, EntryPoint = "cuDevicePrimaryCtxRetain")]
    private static partial int RetainContext(out nint context, int device);

    [LibraryImport(Library, EntryPoint = "cuDevicePrimaryCtxRelease_v2")]
    private static partial int ReleaseContext(int device);

    [LibraryImport(Library, EntryPoint = "cuCtxSetCurrent")]
    private static partial int SetContext(nint context);

    [LibraryImport(Library, EntryPoint = "cuMemGetInfo_v2")]
    private static partial int MemoryInfo(out nuint free, out nuint total);

    [LibraryImport(Library, EntryPoint = "cuGetErrorName")]
    private static partial int ErrorName(int result, out nint text);
}
