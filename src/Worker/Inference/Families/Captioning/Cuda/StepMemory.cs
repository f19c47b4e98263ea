using Microsoft.ML.OnnxRuntime.Tensors;
using VlWorker.Inference.Cuda;
using VlWorker.ModelKit.Families.Cuda;

namespace VlWorker.Inference.Families.Captioning.Cuda;

/// <summary>What the steps of a search work on: keys and values of the tokens so far, positions, and what is read of the images. One lane's.</summary>
internal sealed class StepMemory : IDisposable
{
    private readonly CaptionShapes _shapes;
    private readonly IReadOnlyList<DeviceBuffer> _cross;
    private readonly DeviceBuffer[] _cache;
    private readonly DeviceBuffer _positions;
    private readonly PinnedBuffer _lengths;

    /// <param name="shapes">Of the graphs.</param>
    /// <param name="cross">What is read of the images; stays the encoder's.</param>
    /// <param name="stream">The lane's.</param>
    /// <param name="rows">Images times beams at most.</param>
    /// <param name="length">Positions at most.</param>
    public StepMemory(CaptionShapes shapes, IReadOnlyList<DeviceBuffer> cross, CudaStream stream, int rows, int length)
    {
        (_shapes, _cross, Length) = (shapes, cross, length);
        var memory = new List<IDisposable>();
        try
        {
            memory.Add(_lengths = new PinnedBuffer((long)length * (sizeof(int) + sizeof(long))));
            memory.Add(_positions = new DeviceBuffer((long)length * sizeof(long)));
            foreach (var layer in shapes.Layers)
            {
                var bytes = shapes.Size * rows * layer.Heads * length * layer.HeadSize;
                memory.Add(new DeviceBuffer(bytes));
                memory.Add(new DeviceBuffer(bytes));
            }

            _cache = [.. memory.Skip(2).Cast<DeviceBuffer>()];
            Fill(stream);
        }
        catch
        {
            memory.ForEach(buffer => buffer.Dispose());
            throw;
        }
    }

    /// <summary>Positions at most.</summary>
    public int Length { get; }

    /// <summary>Positions of what is read of the images, in the batch at hand.</summary>
    public int CrossPositions { get; set; }

    /// <summary>0, 1, 2, ... of int64 on the GPU.</summary>
    public nint Positions => _positions.Pointer;

    /// <summary>Binds all of it for one step.</summary>
    /// <param name="binding">The step's.</param>
    /// <param name="step">Its number, the position of its tokens.</param>
    /// <param name="images">Images of the batch.</param>
    /// <param name="beams">Rows of an image.</param>
    public void Bind(CudaBinding binding, int step, int images, int beams)
    {
        binding.Input(CaptionerNames.Position, _positions.Pointer + (step * sizeof(long)), TensorElementType.Int64, 1, 1);
        binding.HostInput(CaptionerNames.PastLength, _lengths.Pointer + (Length * sizeof(long)) + (step * sizeof(int)), TensorElementType.Int32, 1);
        _shapes.BindCrossInputs(binding, _cross, images, CrossPositions);
        for (var i = 0; i < _shapes.Layers.Count; i++)
        {
            var layer = _shapes.Layers[i];
            long[] shape = [images * beams, layer.Heads, Length, layer.HeadSize];
            var (key, value) = (_cache[2 * i].Pointer, _cache[(2 * i) + 1].Pointer);
            binding.Input(CaptionerNames.PastKey(i), key, _shapes.Type, shape);
            binding.Input(CaptionerNames.PastValue(i), value, _shapes.Type, shape);
            binding.Output(CaptionerNames.PresentKey(i), key, _shapes.Type, shape);
            binding.Output(CaptionerNames.PresentValue(i), value, _shapes.Type, shape);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var buffer in _cache)
            buffer.Dispose();
        _positions.Dispose();
        _lengths.Dispose();
    }

    private void Fill(CudaStream stream)
    {
        var positions = _lengths.Span<long>(0, Length);
        var lengths = _lengths.Span<int>(Length * sizeof(long), Length);
        for (var i = 0; i < Length; i++)
            (positions[i], lengths[i]) = (i, i);
        stream.CopyToDevice(_positions.Pointer, _lengths.Pointer, Length * sizeof(long));
        // Cache rows that nothing was written to are read, and their values then weigh nothing: but not times a NaN.
        foreach (var buffer in _cache)
            stream.Clear(buffer);
        stream.Synchronize();
    }
}
