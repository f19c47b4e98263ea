using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using VlWorker.Inference.Engine;

namespace VlWorker.Inference.Generation;

/// <summary>
/// The state of one decoding batch of an exported decoder: what goes in, cache, logits. Used again for the next batch, so that its memory is
/// taken once.
/// </summary>
/// <param name="graphs">The decoder; outlives this.</param>
internal sealed class DecoderRun(DecoderGraphs graphs) : IDecoderRun
{
    // Bytes of logits of a run over prompts: a graph gives them for every position, and only the last one is wanted.
    private const long PromptLogits = 32 << 20;

    private readonly StepInputs _step = new(graphs);
    private readonly KeyValueCache _cache = new(graphs.Cache);
    private readonly TokenHistory _history = new();
    private readonly TensorBuffer _logits = new();
    private readonly TensorBuffer _promptLogits = new();
    private readonly List<OrtValue> _inputs = [];
    private readonly List<OrtValue> _outputs = [];
    private HiddenStates _states;
    private int _rows;

    /// <summary>The encoder's output, [images, positions, size]: written before <see cref="Start"/> for a decoder with cross attention.</summary>
    public TensorBuffer Hidden => _step.Hidden;

    /// <summary>
    /// The prompts' embeddings: written before <see cref="Start"/> where <see cref="HiddenStates.PromptsEmbedded"/> says so; else made of the tokens.
    /// </summary>
    public TensorBuffer Embeddings => _step.Embeddings;

    private long RowBytes => (long)graphs.Vocabulary * sizeof(float);

    /// <inheritdoc/>
    /// <remarks>
    /// Keys and values of the image are most of a step's work. Where the graph can share them between an image's beams, one image after the
    /// other is faster than all at once with each image repeated.
    /// </remarks>
    public bool TakesImagesSingly(HiddenStates states) => graphs.CanShareImage(states);

    /// <inheritdoc/>
    public int Start(HiddenStates states, PromptBatch prompts, int width)
    {
        (_rows, _states) = (prompts.Count, states);
        var length = graphs.TellsPadding ? prompts.Longest : prompts.Shortest;
        if (states.PromptsEmbedded && length < prompts.Longest)
            throw new ArgumentException("embedded prompts of different lengths, for a decoder that can't tell padding", nameof(prompts));
        if (!graphs.HasCache)
            _history.Start(prompts, length);
        RunPrompts(prompts, length);
        return length;
    }

    /// <inheritdoc/>
    public void Step(ReadOnlySpan<int> tokens)
    {
        if (graphs.HasCache)
        {
            _step.Step(tokens, _cache.Positions);
            RunStep();
            return;
        }

        _history.Append(tokens);
        var all = _history.All;
        RunPrompts(all, all.Longest);
    }

    /// <inheritdoc/>
    public Span<float> Logits(int row, int rows) => _logits.Span<float>(row * RowBytes, rows * graphs.Vocabulary);

    /// <inheritdoc/>
    public void Arrange(ReadOnlySpan<int> parents, ReadOnlySpan<int> images)
    {
        if (!graphs.HasCache)
            _history.Arrange(parents);
        _cache.Arrange(parents, images);
        _step.Arrange(parents, images);
        _rows = parents.Length;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _cache.Dispose();
        _step.Dispose();
        _logits.Dispose();
        _promptLogits.Dispose();
    }

    // As many rows at a time as their logits allow; one token each is a step like any other.
    private void RunPrompts(PromptBatch prompts, int length)
    {
        _step.Start(_states, prompts, length);
        _cache.Start(_rows, _states.Positions, length);
        _logits.Reserve(_rows * RowBytes);
        var chunk = length == 1 ? _rows : (int)Math.Clamp(PromptLogits / (length * RowBytes), 1, _rows);
        for (var row = 0; row < _rows; row += chunk)
            RunPrompts(row, Math.Min(chunk, _rows - row), length);
        _cache.Advance(length);
    }

    private void RunPrompts(int row, int rows, int length)
    {
        var names = graphs.FirstStep;
        try
        {
            foreach (var name in names.Plain)
                _inputs.Add(_step.Tensor(name, row, rows));
            if (names.TakesCache)
                _cache.AddEmpty(_inputs, rows);
            if (length > 1)
                _promptLogits.Reserve(rows * length * RowBytes);
            var (logits, offset) = length > 1 ? (_promptLogits, 0) : (_logits, row * RowBytes);
            _outputs.Add(OnnxSession.TensorAt(logits, offset, TensorElementType.Float, [rows, length, graphs.Vocabulary]));
            _cache.AddFirst(_outputs, row, rows, length);
            graphs.First.Run(names.Inputs, _inputs, names.Outputs, _outputs);
            for (var i = 0; i < rows && length > 1; i++)
                _logits.CopyFrom(_promptLogits, (((i + 1L) * length) - 1) * RowBytes, (row + i) * RowBytes, RowBytes);
        }
        finally
        {
            foreach (var value in _inputs.Concat(_outputs))
                value.Dispose();
            _inputs.Clear();
            _outputs.Clear();
        }
    }

    private void RunStep()
    {
        var names = graphs.NextStep;
        _logits.Reserve(_rows * RowBytes);
        try
        {
            foreach (var name in names.Plain)
                _inputs.Add(_step.Tensor(name, 0, _rows));
            _cache.AddInputs(_inputs);
            _outputs.Add(OnnxSession.Tensor(_logits, TensorElementType.Float, _rows, 1, graphs.Vocabulary));
            _cache.AddOutputs(_outputs);
            graphs.Next.Run(names.Inputs, _inputs, names.Outputs, _outputs);
            _cache.Advance(1);
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
}
