using Microsoft.ML.OnnxRuntime.Tensors;
using VlWorker.Decoding;
using VlWorker.Inference.Cuda;
using VlWorker.ModelKit.Families.Cuda;

namespace VlWorker.Inference.Families.Captioning.Cuda;

/// <summary>From prepared images to the decoder's keys and values of them, which stay on the GPU. One lane's.</summary>
internal sealed class EncoderStage : IDisposable
{
    private readonly CudaSession _session;
    private readonly CudaStream _stream;
    private readonly CaptionShapes _shapes;
    private readonly SignedPatchWriter _writer;
    private readonly int _chunk;
    private readonly PinnedBuffer _host;
    private readonly DeviceBuffer _pixels;
    private readonly Dictionary<int, CudaGraphExec> _recorded = [];

    /// <summary>Takes memory for batches of up to <paramref name="capacity"/> images.</summary>
    public EncoderStage(CudaSession session, CudaStream stream, CaptionShapes shapes, SignedPatchWriter writer, int capacity, int chunk)
    {
        (_session, _stream, _shapes, _writer, _chunk) = (session, stream, shapes, writer, chunk);
        var memory = new List<IDisposable>();
        try
        {
            memory.Add(_host = new PinnedBuffer((long)capacity * writer.ImageBytes));
            memory.Add(_pixels = new DeviceBuffer((long)capacity * writer.ImageBytes));
            foreach (var layer in shapes.Layers)
            {
                var bytes = shapes.Size * capacity * shapes.Positions * layer.CrossWidth;
                memory.Add(new DeviceBuffer(bytes));
                memory.Add(new DeviceBuffer(bytes));
            }

            Cross = [.. memory.Skip(2).Cast<DeviceBuffer>()];
        }
        catch
        {
            memory.ForEach(buffer => buffer.Dispose());
            throw;
        }
    }

    /// <summary>Keys and values of each block in turn, [images, positions, width].</summary>
    public IReadOnlyList<DeviceBuffer> Cross { get; }

    /// <summary>Lays images out in the memory from which the GPU takes them. The stage's earlier work must have read it.</summary>
    public void Write(PreparedPixels[] images) => _writer.Write(images, _host);

    /// <summary>Queues the images' way to the GPU.</summary>
    public void Upload(int size) => _stream.CopyToDevice(_pixels.Pointer, _host.Pointer, (long)size * _writer.ImageBytes);

    /// <summary>Queues the work on a batch of some size, recorded or not.</summary>
    public void Queue(int size)
    {
        if (_recorded.TryGetValue(size, out var recorded))
            recorded.Launch(_stream);
        else
            QueuePlain(size);
    }

    /// <summary>Queues it kernel by kernel.</summary>
    public void QueuePlain(int size)
    {
        var bindings = Bind(size);
        bindings.ForEach(binding => binding.Queue());
        // The kernels know their memory; the bindings are not needed once they are queued.
        bindings.ForEach(binding => binding.Dispose());
    }

    /// <summary>Records a size, whose kernels must have run before.</summary>
    public void Record(int size)
    {
        var bindings = Bind(size);
        _recorded.Add(size, _stream.Capture(() => bindings.ForEach(binding => binding.Queue())));
        bindings.ForEach(binding => binding.Dispose());
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var graph in _recorded.Values)
            graph.Dispose();
        foreach (var buffer in Cross)
            buffer.Dispose();
        _host.Dispose();
        _pixels.Dispose();
    }

    private List<CudaBinding> Bind(int size)
    {
        var bindings = new List<CudaBinding>();
        for (var start = 0; start < size; start += _chunk)
        {
            var count = Math.Min(_chunk, size - start);
            var binding = _session.Bind();
            bindings.Add(binding);
            binding.Input(
                VisionTower.Pixels, _pixels.Pointer + (nint)((long)start * _writer.ImageBytes), TensorElementType.Int8, count, _shapes.Positions, _shapes.RowBytes);
            for (var i = 0; i < _shapes.Layers.Count; i++)
            {
                var width = _shapes.Layers[i].CrossWidth;
                var offset = (nint)(_shapes.Size * start * _shapes.Positions * width);
                binding.Output(CaptionerNames.CrossKey(i), Cross[2 * i].Pointer + offset, _shapes.Type, count, _shapes.Positions, width);
                binding.Output(CaptionerNames.CrossValue(i), Cross[(2 * i) + 1].Pointer + offset, _shapes.Type, count, _shapes.Positions, width);
            }
        }

        return bindings;
    }
}
