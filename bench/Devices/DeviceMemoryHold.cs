using System.Runtime.InteropServices;

namespace VlWorker.Bench.Devices;

/// <summary>Holds a GPU's memory, as another program would, until it is disposed.</summary>
internal sealed partial class DeviceMemoryHold : IDisposable
{
    private const string Library = "libcuda.so.1";
    private const long Block = 256L << 20;

    private readonly List<nint> _blocks = [];
    private readonly nint _context;

    /// <summary>Takes memory, block by block, until no more than so many bytes are free.</summary>
    public DeviceMemoryHold(int device, long leave)
    {
        Check(Init(0));
        Check(DeviceGet(out var handle, device));
        Check(RetainContext(out _context, handle));
        Check(SetContext(_context));
        for (var free = Free(); free - Block > leave; free = Free())
        {
            if (Allocate(out var block, (nuint)Block) != 0)
                break;
            _blocks.Add(block);
        }
    }

    /// <summary>Bytes that nobody holds.</summary>
    public long Free()
    {
        Check(SetContext(_context));
        Check(MemoryInfo(out var free, out _));
        return (long)free;
    }

    public void Dispose()
    {
        _ = SetContext(_context);
        _blocks.ForEach(block => _ = Release(block));
    }

    private static void Check(int result)
    {
        if (result != 0)
            throw new InvalidOperationException($"the CUDA driver answered {result}");
    }

    [LibraryImport(Library, EntryPoint = "cuInit")]
    private static partial int Init(uint flags);

    [LibraryImport(Library, EntryPoint = "cuDeviceGet")]
    private static partial int DeviceGet(out int device, int ordinal);

    [LibraryImport(Library, EntryPoint = "cuDevicePrimaryCtxRetain")]
    private static partial int RetainContext(out nint context, int device);

    [LibraryImport(Library, EntryPoint = "cuCtxSetCurrent")]
    private static partial int SetContext(nint context);

    [LibraryImport(Library, EntryPoint = "cuMemGetInfo_v2")]
    private static partial int MemoryInfo(out nuint free, out nuint total);

    [LibraryImport(Library, EntryPoint = "cuMemAlloc_v2")]
    private static partial int Allocate(out nint pointer, nuint bytes);

    [LibraryImport(Library, EntryPoint = "cuMemFree_v2")]
    private static partial int Release(nint pointer);
}
