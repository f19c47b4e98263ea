using System.Globalization;
using System.Runtime.InteropServices;
using VlWorker.Failures;

namespace VlWorker.Inference.Cuda;

/// <summary>What is used of the driver's interface (cuda.h). Present wherever a driver is, whichever version of the toolkit the engine was built with.</summary>
internal static partial class CudaDriver
{
    private const string Library = "libcuda.so.1";
    private const int OutOfMemory = 2;

    // Every later call of this process fails, too: ECC and NVLink errors, illegal addresses and instructions, asserts, launch failures and time-outs.
    private static readonly int[] Sticky = [46, 214, 220, 226, 700, 702, 709, 710, 714, 715, 716, 717, 718, 719, 999];

    /// <summary>Throws what a result means.</summary>
    /// <param name="result">A CUresult.</param>
    /// <param name="what">What was tried.</param>
    /// <exception cref="OutOfDeviceMemoryException">There is no memory left.</exception>
    /// <exception cref="DeviceLostException">The device is lost to this process.</exception>
    /// <exception cref="InvalidOperationException">Any other failure.</exception>
    public static void Check(int result, string what)
    {
        if (result == 0)
            return;
        var text = string.Create(CultureInfo.InvariantCulture, $"{what}: CUDA error {result}, {Describe(result)}");
        if (result == OutOfMemory)
            throw new OutOfDeviceMemoryException(text);
        if (Sticky.Contains(result))
            throw new DeviceLostException(text);
        throw new InvalidOperationException(text);
    }

    [LibraryImport(Library, EntryPoint = "cuInit")]
    public static partial int Init(uint flags);

    [LibraryImport(Library, EntryPoint = "cuDeviceGet")]
    public static partial int DeviceGet(out int device, int ordinal);

    [LibraryImport(Library, EntryPoint = "cuDeviceGetCount")]
    public static partial int DeviceCount(out int count);

    [LibraryImport(Library, EntryPoint = "cuDeviceGetAttribute")]
    public static partial int DeviceAttribute(out int value, int attribute, int device);

    [LibraryImport(Library, EntryPoint = "cuDeviceGetPCIBusId")]
    public static unsafe partial int DevicePciBusId(byte* text, int length, int device);

    [LibraryImport(Library, EntryPoint = "cuDeviceGetName")]
    public static unsafe partial int DeviceGetName(byte* name, int length, int device);

    [LibraryImport(Library, EntryPoint = "cuDevicePrimaryCtxRetain")]
    public static partial int PrimaryContextRetain(out nint context, int device);

    [LibraryImport(Library, EntryPoint = "cuDevicePrimaryCtxRelease_v2")]
    public static partial int PrimaryContextRelease(int device);

    [LibraryImport(Library, EntryPoint = "cuCtxSetCurrent")]
    public static partial int SetCurrent(nint context);

    [LibraryImport(Library, EntryPoint = "cuCtxGetCurrent")]
    public static partial int CurrentContext(out nint context);

    [LibraryImport(Library, EntryPoint = "cuCtxGetDevice")]
    public static partial int CurrentDevice(out int device);

    [LibraryImport(Library, EntryPoint = "cuModuleLoadData")]
    public static unsafe partial int LoadModule(out nint module, byte* code);

    [LibraryImport(Library, EntryPoint = "cuModuleUnload")]
    public static partial int UnloadModule(nint module);

    [LibraryImport(Library, EntryPoint = "cuModuleGetFunction", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int ModuleFunction(out nint function, nint module, string name);

    [LibraryImport(Library, EntryPoint = "cuFuncSetAttribute")]
    public static partial int SetFunctionAttribute(nint function, int attribute, int value);

    [LibraryImport(Library, EntryPoint = "cuLaunchKernel")]
    public static unsafe partial int LaunchKernel(
        nint function, uint gridX, uint gridY, uint gridZ, uint blockX, uint blockY, uint blockZ, uint sharedBytes, nint stream, nint* parameters, nint* extra);

    [LibraryImport(Library, EntryPoint = "cuTensorMapEncodeTiled")]
    public static unsafe partial int EncodeTiles(
        byte* map, int type, uint dimensions, nint address, ulong* sizes, ulong* strides, uint* box, uint* steps, int interleave, int swizzle, int promotion, int outside);

    [LibraryImport(Library, EntryPoint = "cuMemGetInfo_v2")]
    public static partial int MemoryInfo(out nuint free, out nuint total);

    [LibraryImport(Library, EntryPoint = "cuMemAlloc_v2")]
    public static partial int Allocate(out nint pointer, nuint bytes);

    [LibraryImport(Library, EntryPoint = "cuMemFree_v2")]
    public static partial int Free(nint pointer);

    [LibraryImport(Library, EntryPoint = "cuMemHostAlloc")]
    public static partial int AllocateHost(out nint pointer, nuint bytes, uint flags);

    [LibraryImport(Library, EntryPoint = "cuMemFreeHost")]
    public static partial int FreeHost(nint pointer);

    [LibraryImport(Library, EntryPoint = "cuMemcpyHtoDAsync_v2")]
    public static partial int CopyToDevice(nint device, nint host, nuint bytes, nint stream);

    [LibraryImport(Library, EntryPoint = "cuMemcpyDtoHAsync_v2")]
    public static partial int CopyToHost(nint host, nint device, nuint bytes, nint stream);

    [LibraryImport(Library, EntryPoint = "cuMemcpyDtoDAsync_v2")]
    public static partial int CopyOnDevice(nint target, nint source, nuint bytes, nint stream);

    [LibraryImport(Library, EntryPoint = "cuMemsetD8Async")]
    public static partial int Fill(nint device, byte value, nuint bytes, nint stream);

    [LibraryImport(Library, EntryPoint = "cuStreamCreateWithPriority")]
    public static partial int StreamCreate(out nint stream, uint flags, int priority);

    [LibraryImport(Library, EntryPoint = "cuStreamDestroy_v2")]
    public static partial int StreamDestroy(nint stream);

    [LibraryImport(Library, EntryPoint = "cuStreamSynchronize")]
    public static partial int StreamSynchronize(nint stream);

    [LibraryImport(Library, EntryPoint = "cuStreamBeginCapture_v2")]
    public static partial int BeginCapture(nint stream, int mode);

    [LibraryImport(Library, EntryPoint = "cuStreamEndCapture")]
    public static partial int EndCapture(nint stream, out nint graph);

    [LibraryImport(Library, EntryPoint = "cuGraphGetNodes")]
    public static unsafe partial int GraphNodes(nint graph, nint* nodes, ref nuint count);

    [LibraryImport(Library, EntryPoint = "cuGraphInstantiateWithFlags")]
    public static partial int GraphInstantiate(out nint executable, nint graph, ulong flags);

    [LibraryImport(Library, EntryPoint = "cuGraphLaunch")]
    public static partial int GraphLaunch(nint executable, nint stream);

    [LibraryImport(Library, EntryPoint = "cuGraphExecDestroy")]
    public static partial int GraphExecDestroy(nint executable);

    [LibraryImport(Library, EntryPoint = "cuGraphDestroy")]
    public static partial int GraphDestroy(nint graph);

    [LibraryImport(Library, EntryPoint = "cuEventCreate")]
    public static partial int EventCreate(out nint handle, uint flags);

    [LibraryImport(Library, EntryPoint = "cuEventRecord")]
    public static partial int EventRecord(nint handle, nint stream);

    [LibraryImport(Library, EntryPoint = "cuStreamWaitEvent")]
    public static partial int StreamWaitEvent(nint stream, nint handle, uint flags);

    [LibraryImport(Library, EntryPoint = "cuEventSynchronize")]
    public static partial int EventSynchronize(nint handle);

    [LibraryImport(Library, EntryPoint = "cuEventDestroy_v2")]
    public static partial int EventDestroy(nint handle);

    private static string Describe(int result) =>
        ErrorString(result, out var text) == 0 ? Marshal.PtrToStringUTF8(text) ?? "unknown" : "unknown";

    [LibraryImport(Library, EntryPoint = "cuGetErrorString")]
    private static partial int ErrorString(int result, out nint text);
}
