using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using VlWorker.Inference.Engine;

namespace VlWorker.Inference.Generation;

/// <summary>The state of one batch of a <see cref="StepGraph"/>; used again for the next batch, so that its memory is taken once.</summary>
/// <param name="graph">The graph; outlives this.</param>
internal sealed class StepRun(StepGraph graph) : IDecoderRun
{
    private readonly TensorBuffer _ids = new();
    private readonly TensorBuffer _position = new();
    private readonly TensorBuffer _lengths = new();
    private readonly TensorBuffer _total = new();
    private readonly TensorBuffer _mask = new();
    private readonly TensorBuffer _logits = new();
    private readonly InPlaceCache _cache = new(graph.Self);
    private readonly OrtValue?[] _inputs = new OrtValue?[graph.Inputs.Length];
    private readonly OrtValue?[] _outputs = new OrtValue?[graph.Outputs.Length];
    private int _images;
    private int _rowsEach;
    private int _crossPositions;

    /// <summary>Keys and values of the images, one buffer for each of <see cref="StepGraph.Cross"/>: written by the encoder before <see cref="Start"/>.</summary>
    public TensorBuffer[] Cross { get; } = [.. graph.Cross.Select(static _ => new TensorBuffer())];

    private int Rows => _images * _rowsEach;

    /// <inheritdoc/>
    /// <remarks>An image's beams share its keys and values in any company.</remarks>
    public bool TakesImagesSingly(HiddenStates states) => false;

    /// <inheritdoc/>
    public int Start(HiddenStates states, PromptBatch prompts, int width)
    {
        Unbind();
        (_images, _rowsEach, _crossPositions) = (states.Images, 1, states.Positions);
        _cache.Start(_images);
        if (graph.IsMasked)
            WriteMask(states);
        Reserve(_images * width);
        var ids = _ids.Span<long>(0, Rows);
        for (var i = 0; i < prompts.Shortest; i++)
        {
            for (var row = 0; row < ids.Length; row++)
                ids[row] = prompts[row][i];
            RunGraph();
        }

        return prompts.Shortest;
    }

    /// <inheritdoc/>
    public void Step(ReadOnlySpan<int> tokens)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(tokens.Length, Rows);
        var ids = _ids.Span<long>(0, tokens.Length);
        for (var row = 0; row < tokens.Length; row++)
            ids[row] = tokens[row];
        RunGraph();
    }

    /// <inheritdoc/>
    public Span<float> Logits(int row, int rows) => _logits.Span<float>((long)row * graph.Vocabulary * sizeof(float), rows * graph.Vocabulary);

    /// <inheritdoc/>
    public void Arrange(ReadOnlySpan<int> parents, ReadOnlySpan<int> images)
    {
        if (parents.Length == Rows && RowMover.IsIdentity(parents))
            return;
        Unbind();
        _cache.Arrange(parents);
        var rowsEach = 1;
        while (rowsEach < images.Length && images[rowsEach] / _rowsEach == images[0] / _rowsEach)
            rowsEach++;
        Span<int> sources = images.Length <= 256 ? stackalloc int[images.Length / rowsEach] : new int[images.Length / rowsEach];
        for (var i = 0; i < sources.Length; i++)
            sources[i] = images[i * rowsEach] / _rowsEach;
        for (var i = 0; i < Cross.Length && !RowMover.IsIdentity(sources); i++)
            RowMover.Compact(Cross[i], graph.Cross[i].RowBytes(_crossPositions), sources);
        if (graph.IsMasked && !RowMover.IsIdentity(sources))
            RowMover.Compact(_mask, (long)_crossPositions * sizeof(int), sources);
        (_images, _rowsEach) = (sources.Length, rowsEach);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Unbind();
        _cache.Dispose();
        foreach (var buffer in (TensorBuffer[])[_ids, _position, _lengths, _total, _mask, _logits, .. Cross])
            buffer.Dispose();
    }

    private void RunGraph()
    {
        if (_cache.Grow())
            Unbind();
        _position.Span<long>(0, 1)[0] = _cache.Positions;
        _lengths.Span<int>(0, Rows).Fill(_cache.Positions);
        _total.Span<int>(0, 1)[0] = _cache.Positions + 1;
        Bind();
        graph.Session.Run(graph.Inputs, _inputs!, graph.Outputs, _outputs!);
        _cache.Advance();
    }

    private void WriteMask(HiddenStates states)
    {
        _mask.Reserve((long)_images * _crossPositions * sizeof(int));
        for (var image = 0; image < _images; image++)
        {
            var row = _mask.Span<int>((long)image * _crossPositions * sizeof(int), _crossPositions);
            row.Clear();
            row[..(states.Lengths?[image] ?? _crossPositions)].Fill(1);
        }
    }

    // Rows only become fewer after the first step.
    private void Reserve(int rows)
    {
        _ids.Reserve((long)rows * sizeof(long));
        _position.Reserve(sizeof(long));
        _lengths.Reserve((long)rows * sizeof(int));
        _total.Reserve(sizeof(int));
        _logits.Reserve((long)rows * graph.Vocabulary * sizeof(float));
    }

    // The tensors stay the same from step to step as long as the rows do.
    private void Bind()
    {
        if (_inputs[0] is not null)
            return;
        _inputs[0] = OnnxSession.Tensor(_ids, TensorElementType.Int64, _images, _rowsEach);
        _inputs[1] = OnnxSession.Tensor(_position, TensorElementType.Int64, 1);
        _inputs[2] = OnnxSession.Tensor(_lengths, TensorElementType.Int32, Rows);
        _inputs[3] = OnnxSession.Tensor(_total, TensorElementType.Int32);
        _outputs[0] = OnnxSession.Tensor(_logits, TensorElementType.Float, _images, _rowsEach, graph.Vocabulary);
        var next = 4;
        if (graph.IsMasked)
            _inputs[next++] = OnnxSession.Tensor(_mask, TensorElementType.Int32, _images, _crossPositions);
        for (var i = 0; i < graph.Self.Count; i++)
            _outputs[i + 1] = _inputs[next++] = _cache.Tensor(i);
        for (var i = 0; i < graph.Cross.Count; i++)
        {
            var tensor = graph.Cross[i];
            _inputs[next++] = OnnxSession.Tensor(Cross[i], tensor.Type, _images, tensor.Heads, _crossPositions, tensor.Size);
        }
    }

    private void Unbind()
    {
        // The cache's tensors are inputs and outputs in one.
        foreach (var value in _inputs.Append(_outputs[0]))
            value?.Dispose();
        Array.Clear(_inputs);
        Array.Clear(_outputs);
    }
}
