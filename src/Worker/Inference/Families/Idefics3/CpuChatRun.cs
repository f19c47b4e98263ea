using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using VlWorker.Inference.Engine;
using VlWorker.Inference.Generation;

namespace VlWorker.Inference.Families.Idefics3;

/// <summary>
/// The state of one batch of a <see cref="CpuChatGraph"/>; used again for the next batch, so that its memory is taken once. Every row has its own
/// length, so that nothing is padded.
/// </summary>
/// <param name="graph">The graph; outlives this.</param>
internal sealed class CpuChatRun(CpuChatGraph graph) : IDecoderRun
{
    // Tokens of prompts that go in at once, where neighbouring ones are equally long: more share the weights, and take more memory.
    private const int PromptTokens = 512;

    private readonly TensorBuffer _ids = new();
    private readonly TensorBuffer _tokens = new();
    private readonly TensorBuffer _lengths = new();
    private readonly TensorBuffer _total = new();
    private readonly TensorBuffer _logits = new();
    private readonly InPlaceCache _cache = new(graph.Cache);
    private readonly RowNumbers _positions = new();
    private readonly List<OrtValue> _inputs = [];
    private readonly List<OrtValue> _outputs = [];
    private int _rows;

    /// <summary>The prompts' embeddings, one prompt behind the other without padding: written before <see cref="Start"/>.</summary>
    public TensorBuffer Embeddings { get; } = new();

    /// <inheritdoc/>
    public bool TakesImagesSingly(HiddenStates states) => false;

    /// <inheritdoc/>
    public int Start(HiddenStates states, PromptBatch prompts, int width)
    {
        Unbind();
        _rows = prompts.Count;
        _cache.Start(_rows, prompts.Longest);
        _positions.Reserve(_rows);
        Reserve(_rows * width);
        var first = 0L;
        for (var row = 0; row < _rows;)
        {
            var (shared, rows, length) = (Shared(states, row), 1, prompts[row].Count);
            while (shared.Tokens == 0 && row + rows < _rows && prompts[row + rows].Count == length && Shared(states, row + rows).Tokens == 0
                && (rows + 1) * length <= PromptTokens)
                rows++;
            for (var i = row; i < row + rows; i++)
                _positions[i] = length;
            if (shared.Tokens > 0)
                _cache.Copy(shared.Row, row, shared.Tokens);
            Run(Embeddings, first + shared.Tokens, row, rows, length - shared.Tokens);
            Unbind();
            first += (long)rows * length;
            row += rows;
        }

        return prompts.Longest;
    }

    /// <inheritdoc/>
    public void Step(ReadOnlySpan<int> tokens)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(tokens.Length, _rows);
        for (var row = 0; row < tokens.Length; row++)
        {
            TokenIds.Write(_ids, graph.Embedder.IdType, row, tokens[row]);
            _positions[row]++;
        }

        graph.Embedder.Embed(_ids, _rows, 1, _tokens);
        if (_cache.Grow())
            Unbind();
        Run(_tokens, 0, 0, _rows, 1);
        _cache.Advance();
    }

    /// <inheritdoc/>
    public Span<float> Logits(int row, int rows) => _logits.Span<float>((long)row * graph.Vocabulary * sizeof(float), rows * graph.Vocabulary);

    /// <inheritdoc/>
    public void Arrange(ReadOnlySpan<int> parents, ReadOnlySpan<int> images)
    {
        if (parents.Length == _rows && RowMover.IsIdentity(parents))
            return;
        Unbind();
        _cache.Arrange(parents);
        _positions.Arrange(parents);
        _rows = parents.Length;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Unbind();
        _cache.Dispose();
        foreach (var buffer in (TensorBuffer[])[_ids, _tokens, _lengths, _total, _logits, Embeddings])
            buffer.Dispose();
    }

    private static SharedPrefix Shared(HiddenStates states, int row) => states.Prefixes is { } prefixes ? prefixes[row] : default;

    // Rows only become fewer after the first step.
    private void Reserve(int rows)
    {
        _ids.Reserve((long)rows * sizeof(long));
        _lengths.Reserve((long)rows * sizeof(int));
        _total.Reserve(sizeof(int));
        _logits.Reserve((long)rows * graph.Vocabulary * sizeof(float));
    }

    // Runs neighbouring rows, length tokens each, whose positions are counted already.
    private void Run(TensorBuffer embeddings, long first, int row, int rows, int length)
    {
        var longest = 0;
        var lengths = _lengths.Span<int>(0, rows);
        for (var i = 0; i < rows; i++)
        {
            lengths[i] = _positions[row + i] - 1;
            longest = Math.Max(longest, _positions[row + i]);
        }

        _total.Span<int>(0, 1)[0] = longest;
        if (_inputs.Count == 0)
            Bind(embeddings, first, row, rows, length);
        graph.Session.Run(graph.Inputs, _inputs, graph.Outputs, _outputs);
    }

    // The tensors stay the same from step to step as long as the rows do.
    private void Bind(TensorBuffer embeddings, long first, int row, int rows, int length)
    {
        var width = graph.Embedder.Width;
        _inputs.Add(OnnxSession.TensorAt(embeddings, first * width * sizeof(float), TensorElementType.Float, [rows, length, width]));
        _inputs.Add(OnnxSession.Tensor(_lengths, TensorElementType.Int32, rows));
        _inputs.Add(OnnxSession.Tensor(_total, TensorElementType.Int32));
        _outputs.Add(OnnxSession.TensorAt(_logits, (long)row * graph.Vocabulary * sizeof(float), TensorElementType.Float, [rows, graph.Vocabulary]));
        for (var i = 0; i < graph.Cache.Count; i++)
        {
            _inputs.Add(_cache.Tensor(i, row, rows));
            _outputs.Add(_inputs[^1]);
        }
    }

    private void Unbind()
    {
        // The cache's tensors are inputs and outputs in one.
        foreach (var value in _inputs.Concat(_outputs.Take(1)))
            value.Dispose();
        _inputs.Clear();
        _outputs.Clear();
    }
}
