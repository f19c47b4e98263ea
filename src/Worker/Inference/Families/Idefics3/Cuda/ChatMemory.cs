using Microsoft.ML.OnnxRuntime.Tensors;
using VlWorker.Inference.Cuda;
using VlWorker.ModelKit.Families.Cuda;

namespace VlWorker.Inference.Families.Idefics3.Cuda;

/// <summary>What a decoder works on, for so many rows of so many positions: their keys and values, lengths and last tokens. One lane's.</summary>
internal sealed class ChatMemory : IDisposable
{
    private readonly ChatShapes _shapes;
    private readonly DeviceBuffer[] _cache;
    private readonly Stack<IDisposable> _parts = new();

    /// <param name="shapes">Of the graphs.</param>
    /// <param name="stream">The lane's.</param>
    /// <param name="rows">Rows at most.</param>
    /// <param name="capacity">Positions of a row at most.</param>
    public ChatMemory(ChatShapes shapes, CudaStream stream, int rows, int capacity)
    {
        (_shapes, Rows, Capacity) = (shapes, rows, capacity);
        try
        {
            Ids = Take((long)rows * sizeof(long));
            Probabilities = Take(rows * shapes.Size);
            Lengths = Take((long)rows * sizeof(int));
            NextLengths = Take((long)rows * sizeof(int));
            _cache = [.. Enumerable.Range(0, 2 * shapes.Layers.Count).Select(i => Take(rows * shapes.CacheRow(i / 2, capacity)))];
            // Positions that nothing was written to may be read, and then weigh nothing: but not times a NaN.
            foreach (var buffer in _cache)
                stream.Clear(buffer);
            Clear(stream);
            Caches = Take((long)_cache.Length * sizeof(ulong));
            using var pointers = new PinnedBuffer(Caches.Bytes);
            for (var i = 0; i < _cache.Length; i++)
                pointers.Span<ulong>(0, _cache.Length)[i] = (ulong)_cache[i].Pointer;
            stream.CopyToDevice(Caches.Pointer, pointers.Pointer, (long)_cache.Length * sizeof(ulong));
            stream.Synchronize();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Rows at most.</summary>
    public int Rows { get; }

    /// <summary>Positions of a row at most.</summary>
    public int Capacity { get; }

    /// <summary>[rows, 1] of int64: the last tokens.</summary>
    public DeviceBuffer Ids { get; }

    /// <summary>[rows, 1]: their log-probabilities.</summary>
    public DeviceBuffer Probabilities { get; }

    /// <summary>[rows] of int32: positions that are in the cache.</summary>
    public DeviceBuffer Lengths { get; }

    /// <summary>[rows] of int32: the same after the step; copied over <see cref="Lengths"/> behind it, for a graph may write this before it has read those.</summary>
    public DeviceBuffer NextLengths { get; }

    /// <summary>Pointers to keys and values of each block.</summary>
    public DeviceBuffer Caches { get; }

    /// <summary>Queues the emptying of all places: they begin with token 0 and nothing before it.</summary>
    public void Clear(CudaStream stream)
    {
        stream.Clear(Ids);
        stream.Clear(Lengths);
    }

    /// <summary>Binds some neighbouring rows of the cache.</summary>
    public void Bind(CudaBinding binding, int row, int rows)
    {
        for (var i = 0; i < _shapes.Layers.Count; i++)
        {
            var (heads, size) = _shapes.Layers[i];
            long[] shape = [rows, heads, Capacity, size];
            var offset = (nint)(row * _shapes.CacheRow(i, Capacity));
            var (key, value) = (_cache[2 * i].Pointer + offset, _cache[(2 * i) + 1].Pointer + offset);
            binding.Input(CaptionerNames.PastKey(i), key, _shapes.Type, shape);
            binding.Input(CaptionerNames.PastValue(i), value, _shapes.Type, shape);
            binding.Output(CaptionerNames.PresentKey(i), key, _shapes.Type, shape);
            binding.Output(CaptionerNames.PresentValue(i), value, _shapes.Type, shape);
        }
    }

    /// <summary>Queues the copy of a row's keys and values to another's place.</summary>
    public void Copy(CudaStream stream, int from, int to)
    {
        for (var i = 0; i < _cache.Length; i++)
        {
            var bytes = _shapes.CacheRow(i / 2, Capacity);
            stream.CopyOnDevice(_cache[i].Pointer + (nint)(to * bytes), _cache[i].Pointer + (nint)(from * bytes), bytes);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        while (_parts.TryPop(out var part))
            part.Dispose();
    }

    private DeviceBuffer Take(long bytes)
    {
        var buffer = new DeviceBuffer(bytes);
        _parts.Push(buffer);
        return buffer;
    }
}
