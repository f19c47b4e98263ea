using VlWorker.Inference.Cuda;

namespace VlWorker.Bench.Devices;

/// <summary>Holds a GPU's memory, as another program would, until it is disposed.</summary>
internal sealed class DeviceMemoryHold : IDisposable
{
    private const int Block = 256 << 20;

    private readonly List<nint> _blocks = [];
    private readonly CudaContext _context;

    /// <summary>Takes memory, block by block, until no more than so many bytes are free.</summary>
    public DeviceMemoryHold(int device, long leave)
    {
        _context = new CudaContext(device);
        for (var free = Free(); free - Block > leave; free = Free())
        {
            if (CudaDriver.Allocate(out var block, Block) != 0)
                break;
            _blocks.Add(block);
        }
    }

    /// <summary>Bytes that nobody holds.</summary>
    public long Free() => _context.Memory().Free;

    public void Dispose()
    {
        _context.Enter();
        _blocks.ForEach(block => _ = CudaDriver.Free(block));
        _context.Dispose();
    }
}
