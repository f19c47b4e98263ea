using Microsoft.ML.OnnxRuntime.Tensors;
using VlWorker.Inference.Cuda;
using VlWorker.Inference.Families.Captioning.Cuda;
using VlWorker.ModelKit.Families.Cuda;

namespace VlWorker.Inference.Families.Prompted.Cuda;

/// <summary>
/// Image tower and encoder: from images and prompts to what the decoder's steps read of them. The tower runs once for a batch, over each image once, however many
/// rows are about it; the encoder over rows whose prompts have one length, so that nothing has to be masked. One lane's.
/// </summary>
internal sealed class PromptedStage : IEncoderStage<PromptedRow>
{
    private readonly CudaStream _stream;
    private readonly IImageTower _images;
    private readonly CudaSession _encoder;
    private readonly CaptionShapes _shapes;
    private readonly int _chunk;
    private readonly int _inFront;
    private readonly DeviceBuffer _features;
    private readonly UploadBuffer _prompts;
    private readonly RecordedRuns<BatchShape> _runs;

    // Null where what is in memory is run, an image a row.
    private PromptedBatch? _batch;
    private bool _encoded;
    private int[] _rowOfPlace = [];
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
            memory.Push(_features = new DeviceBuffer(settings.MaxBatch * ImageBytes));
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

    private long ImageBytes => _shapes.Size * _images.Count * _images.Width;

    /// <inheritdoc/>
    public IReadOnlyList<int[]> Take(PromptedRow[] rows)
    {
        (_batch, _encoded) = (new PromptedBatch(rows), false);
        _images.Write([.. _batch.Images]);
        _images.Upload(_batch.Images.Count);
        return _batch.Together;
    }

    /// <inheritdoc/>
    public void Release() => _batch = null;

    /// <inheritdoc/>
    public void Write(int[] places)
    {
        (_length, _rowOfPlace) = (_batch!.Prompt(places[0]).Length, places);
        for (var place = 0; place < places.Length; place++)
        {
            var prompt = _batch.Prompt(places[place]);
            var into = _prompts.Span<long>((long)place * _length * sizeof(long), _length);
            for (var i = 0; i < _length; i++)
                into[i] = prompt[i];
        }
    }

    /// <inheritdoc/>
    public void Upload(int size)
    {
        if (_batch is null)
            _images.Upload(size);
        _prompts.Upload(_stream, (long)size * _length * sizeof(long));
    }

    /// <inheritdoc/>
    public void Queue(int size)
    {
        QueueTower(size, _images.Queue);
        _runs.Queue(new BatchShape(size, Positions));
    }

    /// <inheritdoc/>
    public void QueuePlain(int size)
    {
        QueueTower(size, _images.QueuePlain);
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
        foreach (var part in (IDisposable[])[.. Cross, _prompts, _features, _encoder, _images])
            part.Dispose();
    }

    // The images that have not run, then each row's to its place.
    private void QueueTower(int size, Action<int> queue)
    {
        if (_batch is null || !_encoded)
            queue(_batch?.Images.Count ?? size);
        _encoded = true;
        foreach (var (place, image, count) in _batch?.Copies(_rowOfPlace) ?? [(0, 0, size)])
            _stream.CopyOnDevice(_features.Pointer + (nint)(place * ImageBytes), _images.At(image), count * ImageBytes);
    }

    private List<CudaBinding> Bind(BatchShape shape)
    {
        var (bindings, length) = (new List<CudaBinding>(), shape.Positions - _inFront);
        for (var start = 0; start < shape.Size; start += _chunk)
        {
            var count = Math.Min(_chunk, shape.Size - start);
            var binding = _encoder.Bind();
            bindings.Add(binding);
            binding.Input(PromptedNames.Features, _features.Pointer + (nint)(start * ImageBytes), _shapes.Type, count, _images.Count, _images.Width);
            binding.Input(PromptedNames.Prompt, _prompts.At((long)start * length * sizeof(long)), TensorElementType.Int64, count, length);
            _shapes.BindCross(binding, Cross, start, count, shape.Positions);
        }

        return bindings;
    }
}
