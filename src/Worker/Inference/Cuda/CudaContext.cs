using System.Text;

namespace VlWorker.Inference.Cuda;

/// <summary>A GPU's primary context, the one that ONNX Runtime uses, too. Each thread enters it before it talks to the driver.</summary>
internal sealed class CudaContext : IDisposable
{
    private readonly int _device;
    private readonly nint _context;

    /// <param name="index">Which GPU, as CUDA counts them within CUDA_VISIBLE_DEVICES.</param>
    /// <exception cref="DllNotFoundException">There is no driver.</exception>
    /// <exception cref="InvalidOperationException">There is no such GPU.</exception>
    public CudaContext(int index)
    {
        Index = index;
        CudaDriver.Check(CudaDriver.Init(0), "initialising the driver");
        CudaDriver.Check(CudaDriver.DeviceGet(out _device, index), $"opening GPU {index}");
        CudaDriver.Check(CudaDriver.PrimaryContextRetain(out _context, _device), $"opening the context of GPU {index}");
        Enter();
    }

    /// <summary>Which GPU.</summary>
    public int Index { get; }

    /// <summary>The maker's name for it.</summary>
    public unsafe string Name => Text(CudaDriver.DeviceGetName, "asking for the GPU's name");

    /// <summary>How many GPUs this process may use.</summary>
    /// <exception cref="DllNotFoundException">There is no driver.</exception>
    /// <exception cref="InvalidOperationException">The driver refuses.</exception>
    public static int Count()
    {
        CudaDriver.Check(CudaDriver.Init(0), "initialising the driver");
        CudaDriver.Check(CudaDriver.DeviceCount(out var count), "counting the GPUs");
        return count;
    }

    /// <summary>A property by its number in cuda.h's CUdevice_attribute.</summary>
    public int Attribute(int number)
    {
        CudaDriver.Check(CudaDriver.DeviceAttribute(out var value, number, _device), $"asking for property {number} of GPU {Index}");
        return value;
    }

    /// <summary>Its place on the bus, domain:bus:device.function in hexadecimal digits: the same to every program on the machine.</summary>
    public unsafe string PciBusId => Text(CudaDriver.DevicePciBusId, "asking for the GPU's place on the bus");

    /// <summary>Makes it the calling thread's.</summary>
    public void Enter() => CudaDriver.Check(CudaDriver.SetCurrent(_context), $"entering the context of GPU {Index}");

    /// <summary>Bytes free and in all.</summary>
    public (long Free, long Total) Memory()
    {
        Enter();
        CudaDriver.Check(CudaDriver.MemoryInfo(out var free, out var total), "asking for the GPU's memory");
        return ((long)free, (long)total);
    }

    /// <summary>Leaves it: the calling thread has none then.</summary>
    public static void Leave() => _ = CudaDriver.SetCurrent(0);

    /// <inheritdoc/>
    public void Dispose() => _ = CudaDriver.PrimaryContextRelease(_device);

    private unsafe string Text(TextQuery query, string what)
    {
        Span<byte> text = stackalloc byte[256];
        fixed (byte* pointer = text)
            CudaDriver.Check(query(pointer, text.Length, _device), what);
        return Encoding.UTF8.GetString(text[..text.IndexOf((byte)0)]);
    }

    private unsafe delegate int TextQuery(byte* text, int length, int device);
}
