using System.Numerics;
using Microsoft.ML.OnnxRuntime.Tensors;
using VlWorker.Decoding;
using VlWorker.Inference.Cuda;
using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Families.Cuda;

namespace VlWorker.Inference.Families.Captioning.Cuda;

/// <summary>An encoder that takes an image and nothing else, in patches.</summary>
internal sealed class ImageStage : IEncoderStage<PreparedPixels>
{
    // Measured on ViT-base, 197 positions an image: chunks of 64 or 128 images are not faster than 256.
    private const int ChunkPositions = 256 * 197;

    private readonly CudaSession _session;
    private readonly CudaStream _stream;
    private readonly CaptionShapes _shapes;
    private readonly SignedPatchWriter _writer;
    private readonly int _chunk;
    private readonly PinnedBuffer _host;
    private readonly DeviceBuffer _pixels;
    private readonly RecordedRuns<BatchShape> _runs;

    /// <summary>Loads the encoder and takes memory for batches of <see cref="CudaSettings.MaxBatch"/>.</summary>
    /// <param name="graph">The encoder.</param>
    /// <param name="images">How images are resized.</param>
    /// <param name="stream">The lane's.</param>
    /// <param name="shapes">Of the decoder.</param>
    /// <param name="settings">How it runs.</param>
    /// <exception cref="InvalidDataException">The encoder takes other images.</exception>
    public ImageStage(GraphFile graph, ResizePlan images, CudaStream stream, CaptionShapes shapes, CudaSettings settings)
    {
        (_stream, _shapes, _runs) = (stream, shapes, new RecordedRuns<BatchShape>(stream, Bind));
        var memory = new Stack<IDisposable>();
        try
        {
            memory.Push(_session = new CudaSession(graph, stream, settings));
            if (!_session.Inputs.TryGetValue(VisionTower.Pixels, out var pixels) || pixels.ElementDataType != TensorElementType.Int8)
                throw new InvalidDataException($"the encoder takes no {VisionTower.Pixels} of int8");
            Positions = pixels.Dimensions[1];
            _writer = SignedPatchWriter.For(images, Positions, pixels.Dimensions[2]);
            _chunk = Chunk(settings, Positions);
            memory.Push(_host = new PinnedBuffer((long)settings.MaxBatch * _writer.ImageBytes));
            memory.Push(_pixels = new DeviceBuffer((long)settings.MaxBatch * _writer.ImageBytes));
            Cross = shapes.TakeCross(settings.MaxBatch, Positions);
        }
        catch
        {
            foreach (var part in memory)
                part.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<DeviceBuffer> Cross { get; }

    /// <inheritdoc/>
    public int Positions { get; }

    /// <inheritdoc/>
    public void Write(PreparedPixels[] rows) => _writer.Write(rows, _host);

    /// <inheritdoc/>
    public void Upload(int size) => _stream.CopyToDevice(_pixels.Pointer, _host.Pointer, (long)size * _writer.ImageBytes);

    /// <inheritdoc/>
    public void Queue(int size) => _runs.Queue(new BatchShape(size, Positions));

    /// <inheritdoc/>
    public void QueuePlain(int size) => _runs.QueuePlain(new BatchShape(size, Positions));

    /// <inheritdoc/>
    public void Record(int size) => _runs.Record(new BatchShape(size, Positions));

    /// <inheritdoc/>
    public void RecordIfUsed(int size)
    {
        // Images have one size: all batches are recorded at the start.
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _runs.Dispose();
        foreach (var buffer in Cross)
            buffer.Dispose();
        _host.Dispose();
        _pixels.Dispose();
        _session.Dispose();
    }

    // A power of two, as the sizes of large batches are multiples of those.
    private static int Chunk(CudaSettings settings, int positions) =>
        settings.EncoderChunk > 0 ? settings.EncoderChunk : 1 << BitOperations.Log2((uint)Math.Max(1, ChunkPositions / positions));

    private List<CudaBinding> Bind(BatchShape shape)
    {
        var bindings = new List<CudaBinding>();
        for (var start = 0; start < shape.Size; start += _chunk)
        {
            var count = Math.Min(_chunk, shape.Size - start);
            var binding = _session.Bind();
            bindings.Add(binding);
            binding.Input(
                VisionTower.Pixels, _pixels.Pointer + (nint)((long)start * _writer.ImageBytes), TensorElementType.Int8, count, Positions, _writer.RowBytes);
            _shapes.BindCross(binding, Cross, start, count, Positions);
        }

        return bindings;
    }
}
