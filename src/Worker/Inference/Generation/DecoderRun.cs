using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using VlWorker.Inference.Engine;

namespace VlWorker.Inference.Generation;

/// <summary>
/// The state of one decoding batch of an exported decoder: hidden states, cache, logits. Used again for the next batch, so that its memory is
/// taken once.
/// </summary>
/// <param name="graphs">The decoder; outlives this.</param>
internal sealed class DecoderRun(DecoderGraphs graphs) : IDecoderRun
{
    private readonly TensorBuffer _ids = new();
    private readonly TensorBuffer _mask = new();
    private readonly TensorBuffer _positions = new();
    private readonly TensorBuffer _hiddenMask = new();
    private readonly TensorBuffer _flag = new();
    private readonly TensorBuffer _logits = new();
    private TensorBuffer _spareHidden = new();
    private readonly KeyValueCache _cache = new(graphs.Cache);
    private readonly List<OrtValue> _inputs = [];
    private readonly List<OrtValue> _outputs = [];
    private int _rows;
    private HiddenStates _states;
    private int _stepLength;

    /// <summary>The encoder's output, [images, positions, size]: written by the encoder before <see cref="Start"/>.</summary>
    public TensorBuffer Hidden { get; private set; } = new();

    /// <inheritdoc/>
    /// <remarks>
    /// Keys and values of the image are most of a step's work. Where the graph can share them between an image's beams, one image after the
    /// other is faster than all at once with each image repeated.
    /// </remarks>
    public bool TakesImagesSingly(HiddenStates states) => graphs.CanShareImage(states);

    /// <inheritdoc/>
    public void Start(HiddenStates states, IReadOnlyList<int> prompt, int width)
    {
        (_rows, _states) = (states.Images, states);
        var rows = _rows;
        _cache.Start(rows, states.Positions);
        ReserveIds(prompt.Count);
        for (var row = 0; row < rows; row++)
        {
            for (var i = 0; i < prompt.Count; i++)
                WriteId((row * prompt.Count) + i, prompt[i]);
        }

        RunGraph(true, prompt.Count);
    }

    /// <inheritdoc/>
    public void Step(ReadOnlySpan<int> tokens)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(tokens.Length, _rows);
        ReserveIds(1);
        for (var row = 0; row < tokens.Length; row++)
            WriteId(row, tokens[row]);
        RunGraph(false, 1);
    }

    /// <inheritdoc/>
    public Span<float> Logits(int row, int rows)
    {
        if (_stepLength == 1)
            return _logits.Span<float>((long)row * graphs.Vocabulary * sizeof(float), rows * graphs.Vocabulary);
        ArgumentOutOfRangeException.ThrowIfNotEqual(rows, 1);
        var last = ((long)(row + 1) * _stepLength) - 1;
        return _logits.Span<float>(last * graphs.Vocabulary * sizeof(float), graphs.Vocabulary);
    }

    /// <inheritdoc/>
    public void Arrange(ReadOnlySpan<int> parents, ReadOnlySpan<int> images)
    {
        _cache.Arrange(parents);
        if (!_states.Shared)
            ArrangeHidden(images);
        _rows = parents.Length;
    }

    private void ArrangeHidden(ReadOnlySpan<int> images)
    {
        if (RowMover.IsCompaction(images))
        {
            RowMover.Compact(Hidden, _states.ImageBytes, images);
            return;
        }

        _spareHidden.Reserve(_states.ImageBytes * images.Length);
        RowMover.Gather(Hidden, _spareHidden, _states.ImageBytes, images);
        (Hidden, _spareHidden) = (_spareHidden, Hidden);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _cache.Dispose();
        foreach (var buffer in (TensorBuffer[])[_ids, _mask, _positions, _hiddenMask, _flag, _logits, Hidden, _spareHidden])
            buffer.Dispose();
    }

    private void RunGraph(bool first, int length)
    {
        var names = first ? graphs.FirstStep : graphs.NextStep;
        var session = first ? graphs.First : graphs.Next;
        _stepLength = length;
        _logits.Reserve((long)_rows * length * graphs.Vocabulary * sizeof(float));
        try
        {
            foreach (var name in names.Plain)
                _inputs.Add(Plain(name, first, length));
            if (names.TakesCache)
                _cache.AddInputs(_inputs);
            _outputs.Add(OnnxSession.Tensor(_logits, TensorElementType.Float, _rows, length, graphs.Vocabulary));
            _cache.AddOutputs(_outputs, first, length);
            session.Run(names.Inputs, _inputs, names.Outputs, _outputs);
            _cache.Advance(length);
        }
        finally
        {
            // The cache's tensors are its own.
            foreach (var value in _inputs.Take(names.Plain.Length).Concat(_outputs.Take(1)))
                value.Dispose();
            _inputs.Clear();
            _outputs.Clear();
        }
    }

    private OrtValue Plain(string name, bool first, int length)
    {
        switch (name)
        {
            case DecoderGraphs.Names.Ids:
                return OnnxSession.Tensor(_ids, graphs.IdType, _rows, length);
            case DecoderGraphs.Names.Hidden:
                return OnnxSession.TensorAt(
                    Hidden, _states.First * _states.ImageBytes, graphs.HiddenType, [_states.Shared ? 1 : _rows, _states.Positions, _states.Size]);
            case DecoderGraphs.Names.UseCache:
                _flag.Reserve(1);
                _flag.Span<bool>(0, 1)[0] = !first;
                return OnnxSession.Tensor(_flag, TensorElementType.Bool, 1);
            case DecoderGraphs.Names.Positions:
                var positions = Integers(_positions, length);
                for (var i = 0; i < positions.Length; i++)
                    positions[i] = _cache.Positions + (i % length);
                return OnnxSession.Tensor(_positions, TensorElementType.Int64, _rows, length);
            case DecoderGraphs.Names.Mask:
                Integers(_mask, _cache.Positions + length).Fill(1);
                return OnnxSession.Tensor(_mask, TensorElementType.Int64, _rows, _cache.Positions + length);
            default:
                Integers(_hiddenMask, _states.Positions).Fill(1);
                return OnnxSession.Tensor(_hiddenMask, TensorElementType.Int64, _states.Shared ? 1 : _rows, _states.Positions);
        }
    }

    private Span<long> Integers(TensorBuffer buffer, int columns)
    {
        buffer.Reserve((long)_rows * columns * sizeof(long));
        return buffer.Span<long>(0, _rows * columns);
    }

    private void ReserveIds(int length) => _ids.Reserve((long)_rows * length * sizeof(long));

    private void WriteId(int index, int token)
    {
        if (graphs.IdType == TensorElementType.Int64)
            _ids.Span<long>(index * sizeof(long), 1)[0] = token;
        else
            _ids.Span<int>(index * sizeof(int), 1)[0] = token;
    }
}
