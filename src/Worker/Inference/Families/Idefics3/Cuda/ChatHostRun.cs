using System.Numerics.Tensors;
using Microsoft.ML.OnnxRuntime.Tensors;
using VlWorker.Inference.Cuda;
using VlWorker.Inference.Generation;

namespace VlWorker.Inference.Families.Idefics3.Cuda;

/// <summary>
/// A batch whose choices are made on the host: beams, drawn tokens, rows whose scores are changed before the choice. Logits come over after every step.
/// Rows keep their places on the GPU to the end. One batch's.
/// </summary>
internal sealed class ChatHostRun : IDecoderRun
{
    private readonly ChatPlan _plan;
    private readonly CudaStream _stream;
    private readonly ChatShapes _shapes;
    private readonly int _vocabulary;
    private readonly Action<nint> _prompts;
    private readonly PinnedBuffer _host;
    private readonly PinnedBuffer _hostLogits;
    private readonly DeviceBuffer _logits;
    private readonly float[] _scores;
    private readonly ChatBatch _batch;
    private readonly RowPlaces _places;

    /// <param name="plan">The steps, with room for all rows and their beams.</param>
    /// <param name="stream">The lane's.</param>
    /// <param name="shapes">Of the graphs.</param>
    /// <param name="batch">The prompts.</param>
    /// <param name="beams">Rows of each prompt.</param>
    /// <param name="vocabulary">Logits that mean a token.</param>
    /// <param name="prompts">Queues the prompts' run, which writes logits where it is told.</param>
    public ChatHostRun(ChatPlan plan, CudaStream stream, ChatShapes shapes, ChatBatch batch, int beams, int vocabulary, Action<nint> prompts)
    {
        (_plan, _stream, _shapes, _batch, _vocabulary, _prompts) = (plan, stream, shapes, batch, vocabulary, prompts);
        _places = new RowPlaces(batch.Places, batch.Count * beams);
        _scores = new float[beams * vocabulary];
        _host = new PinnedBuffer((long)_places.All * (sizeof(long) + sizeof(int)));
        _hostLogits = new PinnedBuffer(shapes.Size * _places.All * shapes.Columns);
        _logits = new DeviceBuffer(_hostLogits.Bytes);
    }

    private Span<long> Ids => _host.Span<long>(0, _places.All);

    // Positions in the cache.
    private Span<int> Lengths => _host.Span<int>((long)_places.All * sizeof(long), _places.All);

    /// <inheritdoc/>
    public bool TakesImagesSingly(HiddenStates states) => false;

    /// <inheritdoc/>
    public int Start(HiddenStates states, PromptBatch prompts, int width)
    {
        for (var place = 0; place < _batch.Count; place++)
            Lengths[place] = _batch.Length(place);
        _prompts(_logits.Pointer);
        Fetch(_batch.Count);
        return prompts.Longest;
    }

    /// <inheritdoc/>
    public void Step(ReadOnlySpan<int> tokens)
    {
        for (var row = 0; row < tokens.Length; row++)
            Ids[_places[row]] = tokens[row];
        _stream.CopyToDevice(_plan.Memory.Ids.Pointer, _host.Pointer, (long)_places.All * sizeof(long));
        _stream.CopyToDevice(_plan.Memory.Lengths.Pointer, _host.Pointer + (_places.All * sizeof(long)), (long)_places.All * sizeof(int));
        _plan.QueueForLogits(_places.All, _logits.Pointer);
        Fetch(_places.All);
        // Places without a row write the same position again and again.
        for (var row = 0; row < tokens.Length; row++)
            Lengths[_places[row]]++;
    }

    /// <inheritdoc/>
    public Span<float> Logits(int row, int rows)
    {
        for (var i = 0; i < rows; i++)
        {
            var offset = _shapes.Size * _places[row + i] * _shapes.Columns;
            var target = _scores.AsSpan(i * _vocabulary, _vocabulary);
            if (_shapes.Type == TensorElementType.Float)
                _hostLogits.Span<float>(offset, _vocabulary).CopyTo(target);
            else
                TensorPrimitives.ConvertToSingle(_hostLogits.Span<Half>(offset, _vocabulary), target);
        }

        return _scores.AsSpan(0, rows * _vocabulary);
    }

    /// <inheritdoc/>
    public void Arrange(ReadOnlySpan<int> parents, ReadOnlySpan<int> images)
    {
        foreach (var (from, to) in _places.Arrange(parents))
        {
            _plan.Memory.Copy(_stream, from, to);
            Lengths[to] = Lengths[from];
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _host.Dispose();
        _hostLogits.Dispose();
        _logits.Dispose();
    }

    private void Fetch(int rows)
    {
        _stream.CopyToHost(_hostLogits.Pointer, _logits.Pointer, _shapes.Size * rows * _shapes.Columns);
        _stream.Synchronize();
    }
}
