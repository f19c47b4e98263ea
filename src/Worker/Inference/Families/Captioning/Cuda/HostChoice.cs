using Microsoft.ML.OnnxRuntime.Tensors;
using VlWorker.Inference.Cuda;
using VlWorker.Inference.Generation;

namespace VlWorker.Inference.Families.Captioning.Cuda;

/// <summary>
/// A search whose choices are made on the host, for rows whose scores are changed before the choice: logits come over after every step.
/// Rows keep their places on the GPU to the end; beams refer to each other's caches. One lane's.
/// </summary>
/// <param name="plan">The steps.</param>
/// <param name="shapes">Of the graphs.</param>
/// <param name="stream">The lane's.</param>
/// <param name="vocabulary">Logits that mean a token.</param>
internal sealed class HostChoice(SearchPlan plan, CaptionShapes shapes, CudaStream stream, int vocabulary) : IDecoderRun
{
    private readonly PinnedBuffer _hostIds = new((long)plan.Capacity * plan.Beams * sizeof(long));
    private readonly PinnedBuffer _hostIndirection = new((long)plan.Capacity * plan.Beams * plan.Length * sizeof(int));
    private readonly PinnedBuffer _hostLogits = new(shapes.Size * plan.Capacity * plan.Beams * shapes.Columns);
    private readonly float[] _scores = new float[plan.Beams * vocabulary];
    private int[] _places = [];
    private int _images;
    private int _step;

    /// <summary>[images, beams] of int64.</summary>
    public DeviceBuffer Ids { get; } = new((long)plan.Capacity * plan.Beams * sizeof(long));

    /// <summary>[images, beams, cache length] of int32.</summary>
    public DeviceBuffer Indirection { get; } = new((long)plan.Capacity * plan.Beams * plan.Length * sizeof(int));

    /// <summary>[images * beams, columns].</summary>
    public DeviceBuffer Logits { get; } = new(shapes.Size * plan.Capacity * plan.Beams * shapes.Columns);

    /// <summary>Number format of the logits.</summary>
    public TensorElementType Type => shapes.Type;

    /// <summary>Logits of a row.</summary>
    public int Columns => shapes.Columns;

    /// <inheritdoc/>
    public bool TakesImagesSingly(HiddenStates states) => false;

    /// <inheritdoc/>
    public int Start(HiddenStates states, PromptBatch prompts, int width)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(width, plan.Beams);
        (_images, _step) = (states.Images, 0);
        _places = [.. Enumerable.Range(0, _images).Select(image => image * width)];
        _hostIndirection.Span<int>(0, _images * width * plan.Length).Clear();
        for (var position = 0; position < prompts.Shortest; position++)
        {
            for (var image = 0; image < _images; image++)
                _hostIds.Span<long>((long)image * width * sizeof(long), width).Fill(prompts[image][position]);
            Run();
        }

        return prompts.Shortest;
    }

    /// <inheritdoc/>
    public void Step(ReadOnlySpan<int> tokens)
    {
        var ids = _hostIds.Span<long>(0, _images * plan.Beams);
        for (var row = 0; row < tokens.Length; row++)
            ids[_places[row]] = tokens[row];
        Run();
    }

    /// <inheritdoc/>
    Span<float> IDecoderRun.Logits(int row, int rows)
    {
        for (var i = 0; i < rows; i++)
        {
            var offset = shapes.Size * _places[row + i] * shapes.Columns;
            var target = _scores.AsSpan(i * vocabulary, vocabulary);
            if (Type == TensorElementType.Float)
                _hostLogits.Span<float>(offset, vocabulary).CopyTo(target);
            else
                System.Numerics.Tensors.TensorPrimitives.ConvertToSingle(_hostLogits.Span<Half>(offset, vocabulary), target);
        }

        return _scores.AsSpan(0, rows * vocabulary);
    }

    /// <inheritdoc/>
    public void Arrange(ReadOnlySpan<int> parents, ReadOnlySpan<int> images)
    {
        var places = new int[parents.Length];
        var histories = new int[parents.Length * plan.Length];
        for (var row = 0; row < places.Length; row++)
        {
            var parent = _places[parents[row]];
            places[row] = (parent / plan.Beams * plan.Beams) + (row % plan.Beams);
            // The parent's history, and this step's keys in the parent's own row.
            History(parent).CopyTo(histories.AsSpan(row * plan.Length));
            histories[(row * plan.Length) + _step - 1] = parent % plan.Beams;
        }

        for (var row = 0; row < places.Length; row++)
            histories.AsSpan(row * plan.Length, plan.Length).CopyTo(History(places[row]));
        _places = places;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var buffer in (IDisposable[])[_hostIds, _hostIndirection, _hostLogits, Ids, Indirection, Logits])
            buffer.Dispose();
    }

    private Span<int> History(int place) => _hostIndirection.Span<int>((long)place * plan.Length * sizeof(int), plan.Length);

    private void Run()
    {
        var rows = _images * plan.Beams;
        stream.CopyToDevice(Ids.Pointer, _hostIds.Pointer, (long)rows * sizeof(long));
        if (plan.Beams > 1)
            stream.CopyToDevice(Indirection.Pointer, _hostIndirection.Pointer, (long)rows * plan.Length * sizeof(int));
        plan.QueueForLogits(_images, _step++, this);
        stream.CopyToHost(_hostLogits.Pointer, Logits.Pointer, shapes.Size * rows * shapes.Columns);
        stream.Synchronize();
    }
}
