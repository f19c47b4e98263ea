using Microsoft.ML.OnnxRuntime.Tensors;
using VlWorker.Decoding;
using VlWorker.Inference.Cuda;
using VlWorker.ModelKit.Families.Cuda;

namespace VlWorker.Inference.Families.Embedders.Cuda;

/// <summary>One batch's way over the GPU: a stream, the towers with their weights, and memory for the largest batch. Used by one thread at a time.</summary>
internal sealed class EmbeddingLane : IDisposable
{
    private static readonly int[] Chunks = [512, 256, 128, 64, 32];

    private readonly CudaSettings _settings;
    private readonly CudaStream _stream;
    private readonly CudaSession _vision;
    private readonly TextStage? _text;
    private readonly IPatchInput _input;
    private readonly DeviceBuffer _results;
    private readonly PinnedBuffer _hostResults;
    private readonly CudaEvent _done;
    private readonly Dictionary<int, CudaGraphExec> _recorded = [];
    private readonly DeviceTurn? _turn;
    private readonly CudaEvent _mark;
    private readonly Stack<IDisposable> _parts = new();
    private int _chunk;

    /// <summary>Loads the graphs and takes memory for batches of <see cref="CudaSettings.MaxBatch"/>.</summary>
    /// <exception cref="Failures.OutOfDeviceMemoryException">They do not fit.</exception>
    /// <param name="graphs">The graphs.</param>
    /// <param name="settings">How they run.</param>
    /// <param name="turn">Shared by a model's lanes; null where they run at the same time.</param>
    public EmbeddingLane(EmbeddingGraphs graphs, CudaSettings settings, DeviceTurn? turn)
    {
        (_settings, _turn, Sizes) = (settings, turn, new BatchSizes(settings));
        try
        {
            _stream = Own(new CudaStream());
            _done = Own(new CudaEvent(false));
            _mark = Own(new CudaEvent(false));
            _vision = Own(new CudaSession(graphs.Vision, _stream, settings));
            _text = graphs.Text is null ? null : new TextStage(Own(new CudaSession(graphs.Text, _stream, settings)), _stream, graphs.Padding);
            Size = _vision.Outputs[EmbedderNames.ImageEmbeddings].Dimensions[1];
            _input = Own<IPatchInput>(graphs.Images.Grid is { } grid
                ? new PaddedPatchInput(_vision, grid, settings.MaxBatch) : new PatchInput(_vision, graphs.Images, settings.MaxBatch));
            _results = Own(new DeviceBuffer((long)settings.MaxBatch * Size * sizeof(float)));
            _hostResults = Own(new PinnedBuffer((long)settings.MaxBatch * Size * sizeof(float)));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The sizes that batches are padded to, and what each takes.</summary>
    public BatchSizes Sizes { get; }

    /// <summary>Floats of an image's embedding.</summary>
    public int Size { get; }

    /// <summary>Floats of a text's embedding; null where there is no text tower.</summary>
    public int? TextSize => _text?.Size;

    /// <summary>Runs every size once and records it, the largest first.</summary>
    public void Prepare()
    {
        _chunk = _settings.EncoderChunk > 0 ? _settings.EncoderChunk : FastestChunk(Sizes.All[^1]);
        for (var i = Sizes.All.Count - 1; i >= 0; i--)
        {
            var size = Sizes.All[i];
            QueuePlain(size);
            _stream.Synchronize();
            var plain = BatchSizes.Time(() =>
            {
                QueuePlain(size);
                _stream.Synchronize();
            });
            var recorded = double.PositiveInfinity;
            if (_settings.Record)
            {
                var bindings = Bind(size);
                _recorded.Add(size, _stream.Capture(() => QueueAll(bindings, size)));
                bindings.ForEach(binding => binding.Dispose());
                Wait(size);
                recorded = BatchSizes.Time(() => Wait(size));
            }

            Sizes.Measured(size, plain, recorded);
        }
    }

    /// <summary>Encodes images; see <see cref="IEmbeddingEngine.EncodeImages"/>.</summary>
    public void EncodeImages(PreparedPixels[] images, ReceiveEmbeddings receive)
    {
        _input.Write(images);
        Wait(Sizes.Choose(images.Length));
        receive(_hostResults.Span<float>(0, images.Length * Size), Size);
    }

    /// <summary>Encodes texts; see <see cref="IEmbeddingEngine.EncodeTexts"/>.</summary>
    public void EncodeTexts(int[][] texts, ReceiveEmbeddings receive)
    {
        if (_text is null)
            throw new NotSupportedException("the model has no text tower");
        _text.Encode(texts, receive);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var graph in _recorded.Values)
            graph.Dispose();
        while (_parts.TryPop(out var part))
            part.Dispose();
    }

    // Wide models are faster in parts that stay in the second-level cache, narrow ones as a whole.
    private int FastestChunk(int size)
    {
        var (fastest, least) = (size, double.PositiveInfinity);
        foreach (var chunk in Chunks.Where(chunk => chunk < size).Prepend(size))
        {
            _chunk = chunk;
            QueuePlain(size);
            QueuePlain(size);
            _stream.Synchronize();
            var bindings = Bind(size);
            using var graph = _settings.Record ? _stream.Capture(() => QueueAll(bindings, size)) : null;
            var took = Enumerable.Range(0, 4).Select(_ => BatchSizes.Time(() =>
            {
                if (graph is null)
                    QueueAll(bindings, size);
                else
                    graph.Launch(_stream);
                _stream.Synchronize();
            })).Min();
            bindings.ForEach(binding => binding.Dispose());
            if (took < least)
                (fastest, least) = (chunk, took);
        }

        return fastest;
    }

    private T Own<T>(T part)
        where T : IDisposable
    {
        _parts.Push(part);
        return part;
    }

    private void Wait(int size)
    {
        _input.Upload(_stream, size, _chunk);
        _turn?.Enter(_stream);
        try
        {
            if (_recorded.TryGetValue(size, out var recorded))
                recorded.Launch(_stream);
            else
                QueueKernels(size);
        }
        finally
        {
            _turn?.Leave(_stream, _mark);
        }

        _done.Record(_stream);
        _done.Wait();
    }

    private void QueuePlain(int size)
    {
        _input.Upload(_stream, size, _chunk);
        QueueKernels(size);
    }

    private void QueueKernels(int size)
    {
        var bindings = Bind(size);
        QueueAll(bindings, size);
        bindings.ForEach(binding => binding.Dispose());
    }

    private void QueueAll(List<CudaBinding> bindings, int size)
    {
        bindings.ForEach(binding => binding.Queue());
        _stream.CopyToHost(_hostResults.Pointer, _results.Pointer, (long)size * Size * sizeof(float));
    }

    private List<CudaBinding> Bind(int size)
    {
        var bindings = new List<CudaBinding>();
        for (var start = 0; start < size; start += _chunk)
        {
            var count = Math.Min(_chunk, size - start);
            var binding = _vision.Bind();
            bindings.Add(binding);
            _input.Bind(binding, start, count);
            binding.Output(
                EmbedderNames.ImageEmbeddings, _results.Pointer + (nint)((long)start * Size * sizeof(float)), TensorElementType.Float, count, Size);
        }

        return bindings;
    }
}
