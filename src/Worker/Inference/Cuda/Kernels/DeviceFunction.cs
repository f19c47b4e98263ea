using System.Collections.Concurrent;
using System.Globalization;

namespace VlWorker.Inference.Cuda.Kernels;

/// <summary>A kernel of a file beside this one, compiled for a GPU and for the sizes of a node. Lives in the context that is current where it is made.</summary>
internal sealed unsafe class DeviceFunction : IDisposable
{
    private const int ComputeMajor = 75;
    private const int ComputeMinor = 76;
    private const int LargestSharedMemory = 97;
    private const int Multiprocessors = 16;
    private const int SharedMemoryAttribute = 8;
    private const int SharedMemoryWithoutAsking = 48 * 1024;
    private const int FirstOfItsOwn = 90;

    // Nodes of a model, lanes and devices of a kind share machine code.
    private static readonly ConcurrentDictionary<string, Lazy<byte[]>> Compiled = new(StringComparer.Ordinal);

    private static readonly Lazy<string> Headers = new(static () => Source("half.cuh") + Source("activation.cuh") + Source("tensor_cores.cuh"));

    private readonly string _name;
    private readonly nint _module;
    private readonly nint _function;

    /// <summary>Compiles and loads it.</summary>
    /// <param name="name">Of the file, without .cu, and of the kernel in it.</param>
    /// <param name="sharedBytes">Shared memory of a block that is asked for at each start.</param>
    /// <param name="definitions">Macros: what the kernel is specialised for.</param>
    /// <exception cref="NotSupportedException">The GPU's blocks have no such memory.</exception>
    /// <exception cref="InvalidOperationException">There is no compiler.</exception>
    public DeviceFunction(string name, int sharedBytes, params ReadOnlySpan<(string Name, string Value)> definitions)
    {
        (_name, SharedBytes) = (name, sharedBytes);
        if (sharedBytes > MostSharedBytes())
            throw new NotSupportedException($"{name} needs {sharedBytes} bytes of shared memory for a model of this width, and a block of this GPU has {MostSharedBytes()}");
        var architecture = (Generation() * 10) + Property(ComputeMinor);
        var own = architecture >= FirstOfItsOwn ? "a" : ""; // what only GPUs of this kind have
        List<string> options = [string.Create(CultureInfo.InvariantCulture, $"--gpu-architecture=sm_{architecture}{own}")];
        foreach (var (macro, value) in definitions)
            options.Add($"-D{macro}={value}");
        var code = Compiled.GetOrAdd(
            $"{name} {string.Join(' ', options)}", _ => new Lazy<byte[]>(() => Nvrtc.Compile(Headers.Value + Source($"{name}.cu"), $"{name}.cu", options))).Value;
        fixed (byte* first = code)
            CudaDriver.Check(CudaDriver.LoadModule(out _module, first), $"loading the kernel {name}");
        try
        {
            CudaDriver.Check(CudaDriver.ModuleFunction(out _function, _module, name), $"loading the kernel {name}");
            if (sharedBytes > SharedMemoryWithoutAsking)
                CudaDriver.Check(CudaDriver.SetFunctionAttribute(_function, SharedMemoryAttribute, sharedBytes), $"taking {sharedBytes} bytes of shared memory for {name}");
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Shared memory of a block.</summary>
    public int SharedBytes { get; }

    /// <summary>Bytes of shared memory that a block of the thread's GPU may have.</summary>
    public static int MostSharedBytes() => Property(LargestSharedMemory);

    /// <summary>The first number of the compute capability of the thread's GPU.</summary>
    public static int Generation() => Property(ComputeMajor);

    /// <summary>Processors of the thread's GPU, each of which runs blocks.</summary>
    public static int Processors() => Property(Multiprocessors);

    /// <summary>Values of a tensor.</summary>
    public static long Count(ReadOnlySpan<long> shape)
    {
        var count = 1L;
        foreach (var dimension in shape)
            count *= dimension;
        return count;
    }

    /// <summary>A definition's value.</summary>
    public static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);

    /// <summary>A definition's value.</summary>
    public static string Text(float value) => string.Create(CultureInfo.InvariantCulture, $"{value:e8}f");

    /// <summary>A kernel's argument.</summary>
    public static ulong Argument(float value) => BitConverter.SingleToUInt32Bits(value);

    /// <summary>Queues it.</summary>
    /// <param name="stream">Where.</param>
    /// <param name="blocks">Of the grid.</param>
    /// <param name="threads">Of a block.</param>
    /// <param name="arguments">Pointers and numbers, each in its lowest bytes.</param>
    public void Launch(nint stream, (long X, long Y, long Z) blocks, int threads, params ReadOnlySpan<ulong> arguments)
    {
        fixed (ulong* first = arguments)
        {
            var places = stackalloc nint[arguments.Length];
            for (var i = 0; i < arguments.Length; i++)
                places[i] = (nint)(first + i);
            Launch(stream, blocks, threads, places);
        }
    }

    /// <summary>Queues it.</summary>
    /// <param name="stream">Where.</param>
    /// <param name="blocks">Of the grid.</param>
    /// <param name="threads">Of a block.</param>
    /// <param name="places">Of all arguments; they are read at once.</param>
    public void Launch(nint stream, (long X, long Y, long Z) blocks, int threads, nint* places) => CudaDriver.Check(
        CudaDriver.LaunchKernel(
            _function, checked((uint)blocks.X), checked((uint)blocks.Y), checked((uint)blocks.Z), (uint)threads, 1, 1, (uint)SharedBytes, stream, places, null),
        $"starting {_name}");

    /// <inheritdoc/>
    public void Dispose() => _ = CudaDriver.UnloadModule(_module);

    // A property of the thread's GPU, by its number in cuda.h's CUdevice_attribute.
    private static int Property(int number)
    {
        CudaDriver.Check(CudaDriver.CurrentDevice(out var device), "asking for the thread's GPU");
        CudaDriver.Check(CudaDriver.DeviceAttribute(out var value, number, device), $"asking for property {number} of a GPU");
        return value;
    }

    private static string Source(string file)
    {
        using var stream = typeof(DeviceFunction).Assembly.GetManifestResourceStream($"kernels/{file}") ?? throw new InvalidOperationException($"there is no {file}");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
