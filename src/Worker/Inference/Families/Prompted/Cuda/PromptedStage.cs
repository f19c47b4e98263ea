using Microsoft.ML.OnnxRuntime.Tensors;
using VlWorker.Inference.Cuda;
using VlWorker.Inference.Families.Captioning.Cuda;
using VlWorker.ModelKit.Families.Cuda;

namespace VlWorker.Inference.Families.Prompted.Cuda;

/// <summary>Image tower and encoder: from images and prompts to what the decoder's steps read of them. One lane's.</summary>
internal sealed class PromptedStage : IEncoderStage<PromptedRow>
{
    private readonly CudaStream _stream;
    private readonly IImageTower _images;
    private readonly CudaSession _encoder;
    private readonly CaptionShapes _shapes;
    private readonly int _chunk;
    private readonly int _inFront;
    private readonly UploadBuffer _prompts;
    private readonly RecordedRuns<BatchShape> _runs;
    private int _length;

    /// <summary>Loads the graphs and takes memory for batches of <see cref="CudaSettings.MaxBatch"/>.</summary>
    /// <param name="graphs">The graphs.</param>
    /// <param name="stream">The lane's.</param>
    /// <param name="shapes">Of the decoder.</param>
    /// <param name="settings">How it runs.</param>
    /// <exception cref="InvalidDataException">The graphs do not fit each other or the images.</exception>
    public PromptedStage(PromptedGraphs graphs, CudaStream stream, CaptionShapes shapes, CudaSettings settings)
    {
        (_stream, _shapes, _length, _runs) = (stream, shapes, graphs.PromptLength, new RecordedRuns<BatchShape>(stream, Bind));
        var memory = new Stack<IDisposable>();
        try
        {
            memory.Push(_images = graphs.Tower(graphs, stream, shapes, settings));
            memory.Push(_encoder = new CudaSession(graphs.Captioner.Encoder, stream, settings));
            if (!_encoder.Inputs.TryGetValue(PromptedNames.Features, out var features)
                || features.Dimensions[1] != _images.Count || features.Dimensions[2] != _images.Width)
                throw new InvalidDataException("the encoder does not take the image tower's tokens");
            (_chunk, _inFront) = (_images.Chunk * 2, graphs.ImageInFront ? _images.Count : 0);
            memory.Push(_prompts = new UploadBuffer((long)settings.MaxBatch * Math.Max(1, graphs.Context - _inFront) * sizeof(long)));
            stream.Clear(_prompts.Device);
            stream.Synchronize();
            Cross = shapes.TakeCross(settings.MaxBatch, graphs.Context);
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
    public int Positions => _inFront + _length;

    /// <inheritdoc/>
    public void Write(PromptedRow[] rows)
    {
        _length = rows[0].Prompt.Length;
        _images.Write([.. rows.Select(row => row.Pixels)]);
        for (var row = 0; row < rows.Length; row++)
        {
            var prompt = _prompts.Span<long>((long)row * _length * sizeof(long), _length);
            for (var i = 0; i < _length; i++)
                prompt[i] = rows[row].Prompt[i];
        }
    }

    /// <inheritdoc/>
    public void Upload(int size)
    {
        _images.Upload(size);
        _prompts.Upload(_stream, (long)size * _length * sizeof(long));
    }

    /// <inheritdoc/>
    public void Queue(int size)
    {
        _images.Queue(size);
        _runs.Queue(new BatchShape(size, Positions));
    }

    /// <inheritdoc/>
    public void QueuePlain(int size)
    {
        _images.QueuePlain(size);
        _runs.QueuePlain(new BatchShape(size, Positions));
    }

    /// <inheritdoc/>
    public void Record(int size)
    {
        _images.Record(size);
        _runs.Record(new BatchShape(size, Positions));
    }

    /// <inheritdoc/>
    public void RecordIfUsed(int size) => _runs.RecordIfUsed(new BatchShape(size, Positions));

    /// <inheritdoc/>
    public void Dispose()
    {
        _runs.Dispose();
        foreach (var part in (IDisposable[])[.. Cross, _prompts, _encoder, _images])
            part.Dispose();
    }

    private List<CudaBinding> Bind(BatchShape shape)
    {
        var (bindings, length) = (new List<CudaBinding>(), shape.Positions - _inFront);
        for (var start = 0; start < shape.Size; start += _chunk)
        {
            var count = Math.Min(_chunk, shape.Size - start);
            var binding = _encoder.Bind();
            bindings.Add(binding);
            binding.Input(PromptedNames.Features, _images.At(start), _shapes.Type, count, _images.Count, _images.Width);
            binding.Input(PromptedNames.Prompt, _prompts.At((long)start * length * sizeof(long)), TensorElementType.Int64, count, length);
            _shapes.BindCross(binding, Cross, start, count, shape.Positions);
        }

        return bindings;
    }
}
