using Microsoft.ML.OnnxRuntime.Tensors;
using VlWorker.Decoding;
using VlWorker.Inference.Cuda;
using VlWorker.Inference.Families.Captioning.Cuda;
using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Families.Florence2;

namespace VlWorker.Inference.Families.Florence2.Cuda;

/// <summary>The image tower: from images in the host's memory to their tokens, which stay on the GPU. One lane's.</summary>
internal sealed class ImageTokens : IDisposable
{
    // Images that run at a time. Kernels of more leave fewer processors without work at their ends; a part of a batch is filled up to the next of these.
    private static readonly int[] Parts = [16, 32];

    private readonly CudaStream _stream;
    private readonly CaptionShapes _shapes;
    private readonly SortedDictionary<int, CudaSession> _sessions = [];
    private readonly int _width;
    private readonly int _height;
    private readonly PinnedBuffer _host;
    private readonly DeviceBuffer _pixels;
    private readonly DeviceBuffer _tokens;
    private readonly RecordedRuns<BatchShape> _runs;
    private readonly SortedSet<int> _sizes = [];

    /// <summary>Loads the graph and takes memory for batches of <see cref="CudaSettings.MaxBatch"/>.</summary>
    /// <exception cref="InvalidDataException">The graph takes images of another size.</exception>
    public ImageTokens(GraphFile graph, ResizePlan images, CudaStream stream, CaptionShapes shapes, CudaSettings settings)
    {
        (_stream, _shapes, _width, _height, _runs) = (stream, shapes, images.Width, images.Height, new RecordedRuns<BatchShape>(stream, Bind));
        int[] parts = settings.EncoderChunk > 0 ? [settings.EncoderChunk] : Parts;
        Chunk = parts.FirstOrDefault(part => part >= settings.MaxBatch, parts[^1]);
        var (memory, capacity) = (new Stack<IDisposable>(), settings.MaxBatch == 1 ? 1 : Math.Max(settings.MaxBatch, Chunk));
        try
        {
            // Without it, convolutions of 16-bit floats leave the tensor cores, too.
            var fast = settings with { Tf32 = settings.Tf32 || shapes.Type == TensorElementType.Float16 };
            foreach (var size in parts.Where(part => part <= capacity).Prepend(1).Distinct())
                memory.Push(_sessions[size] = new CudaSession(graph, stream, fast));
            var single = _sessions[1];
            if (!single.Inputs.TryGetValue(CudaDavit.Pixels, out var pixels)
                || pixels.Dimensions is not [_, var height, var width, 3] || height != _height || width != _width)
                throw new InvalidDataException($"images are resized to {_width} x {_height} pixels, which the image tower does not take");
            var tokens = single.Outputs[CudaGraphs.Features].Dimensions;
            (Count, Width) = (tokens[1], tokens[2]);
            memory.Push(_host = new PinnedBuffer((long)capacity * ImageBytes));
            memory.Push(_pixels = new DeviceBuffer((long)capacity * ImageBytes));
            memory.Push(_tokens = new DeviceBuffer(shapes.Size * capacity * Count * Width));
        }
        catch
        {
            foreach (var part in memory)
                part.Dispose();
            throw;
        }
    }

    /// <summary>Tokens of an image.</summary>
    public int Count { get; }

    /// <summary>Width of a token.</summary>
    public int Width { get; }

    /// <summary>Images that run at a time.</summary>
    public int Chunk { get; }

    private int ImageBytes => _width * _height * 3;

    /// <summary>Where an image's tokens lie on the GPU.</summary>
    public nint At(int image) => _tokens.Pointer + (nint)(_shapes.Size * image * Count * Width);

    /// <summary>Lays images out in the memory from which the GPU takes them.</summary>
    public void Write(PreparedPixels[] images)
    {
        void One(int i) => images[i].Frame(0).CopyTo(_host.Span<byte>((long)i * ImageBytes, ImageBytes));
        if (images.Length == 1)
            One(0);
        else
            Parallel.For(0, images.Length, new ParallelOptions { MaxDegreeOfParallelism = 4 }, One);
    }

    /// <summary>Queues their way to the GPU.</summary>
    public void Upload(int size) => _stream.CopyToDevice(_pixels.Pointer, _host.Pointer, (long)size * ImageBytes);

    /// <summary>Queues a batch, padded to the next recorded size.</summary>
    public void Queue(int size)
    {
        var recorded = _sizes.GetViewBetween(size, int.MaxValue);
        _runs.Queue(new BatchShape(recorded.Count > 0 ? recorded.Min : size, Count));
    }

    /// <summary>Queues it kernel by kernel.</summary>
    public void QueuePlain(int size) => _runs.QueuePlain(new BatchShape(size, Count));

    /// <summary>Records a size, whose kernels must have run before.</summary>
    public void Record(int size)
    {
        _runs.Record(new BatchShape(size, Count));
        _sizes.Add(size);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _runs.Dispose();
        foreach (var part in (IDisposable[])[_tokens, _pixels, _host, .. _sessions.Values])
            part.Dispose();
    }

    // A session runs one size only: at another one cuDNN would choose kernels anew for each convolution, and those that were chosen before, which recordings
    // still run, would be gone. What fills up a part is not looked at.
    private List<CudaBinding> Bind(BatchShape shape)
    {
        var bindings = new List<CudaBinding>();
        for (var part = 0; part < shape.Size;)
        {
            var count = _sessions.Keys.FirstOrDefault(size => size >= shape.Size - part, Chunk);
            var start = Math.Min(part, Math.Max(0, shape.Size - count));
            var binding = _sessions[count].Bind();
            bindings.Add(binding);
            binding.Input(CudaDavit.Pixels, _pixels.Pointer + (nint)((long)start * ImageBytes), TensorElementType.UInt8, count, _height, _width, 3);
            binding.Output(CudaGraphs.Features, At(start), _shapes.Type, count, Count, Width);
            part += count;
        }

        return bindings;
    }
}
