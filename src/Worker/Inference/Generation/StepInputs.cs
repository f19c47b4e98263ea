using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using VlWorker.Inference.Engine;

namespace VlWorker.Inference.Generation;

/// <summary>What goes into a step of an exported decoder beside its cache: tokens or their embeddings, masks, positions, the encoder's states.</summary>
/// <param name="graphs">The decoder; outlives this.</param>
internal sealed class StepInputs(DecoderGraphs graphs) : IDisposable
{
    private readonly TensorBuffer _ids = new();
    private readonly TensorBuffer _mask = new();
    private readonly TensorBuffer _positions = new();
    private readonly TensorBuffer _flag = new();
    private readonly RowNumbers _padding = new();
    private TensorBuffer _hidden = new();
    private TensorBuffer _spareHidden = new();
    private TensorBuffer _hiddenMask = new();
    private TensorBuffer _spareMask = new();
    private HiddenStates _states;
    private int _rows;
    private int _past;
    private int _length;

    /// <summary>The encoder's output, [images, positions, size].</summary>
    public TensorBuffer Hidden => _hidden;

    /// <summary>The tokens' embeddings, [rows, length, width].</summary>
    public TensorBuffer Embeddings { get; } = new();

    // Where all rows share an image there is one of everything that belongs to it.
    private int HiddenRows => _states.Shared ? 1 : _rows;

    /// <summary>Prepares the first step.</summary>
    /// <param name="states">What is in <see cref="Hidden"/> and <see cref="Embeddings"/>.</param>
    /// <param name="prompts">The prompts.</param>
    /// <param name="length">Tokens of each row, shorter prompts padded on the left.</param>
    public void Start(HiddenStates states, PromptBatch prompts, int length)
    {
        (_rows, _states) = (prompts.Count, states);
        if (!states.PromptsEmbedded)
        {
            TokenIds.Write(prompts, length, true, graphs.IdType, _ids);
            graphs.Embedder?.Embed(_ids, _rows, length, Embeddings);
        }

        _padding.Reserve(_rows);
        for (var row = 0; row < _rows; row++)
            _padding[row] = Math.Max(0, length - prompts[row].Count);
        WriteHiddenMask();
        Prepare(graphs.FirstStep, 0, length);
    }

    /// <summary>Prepares a further step.</summary>
    /// <param name="tokens">One token a row.</param>
    /// <param name="past">Positions before it.</param>
    public void Step(ReadOnlySpan<int> tokens, int past)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(tokens.Length, _rows);
        _ids.Reserve((long)_rows * sizeof(long));
        for (var row = 0; row < tokens.Length; row++)
            TokenIds.Write(_ids, graphs.IdType, row, tokens[row]);
        graphs.Embedder?.Embed(_ids, _rows, 1, Embeddings);
        Prepare(graphs.NextStep, past, 1);
    }

    /// <summary>An input of some neighbouring rows. The caller disposes of it.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="row">The first row.</param>
    /// <param name="rows">Rows.</param>
    public OrtValue Tensor(string name, int row, int rows) => name switch
    {
        DecoderNames.Ids => Rows(_ids, graphs.IdType, row, rows, _length),
        DecoderNames.Embeddings => OnnxSession.TensorAt(
            Embeddings, (long)row * _length * graphs.Width * sizeof(float), TensorElementType.Float, [rows, _length, graphs.Width]),
        DecoderNames.Mask => Rows(_mask, TensorElementType.Int64, row, rows, _past + _length),
        DecoderNames.Positions => Rows(_positions, TensorElementType.Int64, row, rows, _length),
        DecoderNames.UseCache => OnnxSession.Tensor(_flag, TensorElementType.Bool, 1),
        DecoderNames.HiddenMask when _states.Shared => Rows(_hiddenMask, TensorElementType.Int64, 0, 1, _states.Positions),
        DecoderNames.HiddenMask => Rows(_hiddenMask, TensorElementType.Int64, row, rows, _states.Positions),
        _ when _states.Shared => HiddenAt(_states.First, 1),
        _ => HiddenAt(_states.First + row, rows),
    };

    /// <summary>Takes over rows: new row i is old row parents[i], with the image of old row images[i].</summary>
    public void Arrange(ReadOnlySpan<int> parents, ReadOnlySpan<int> images)
    {
        _padding.Arrange(parents);
        if (!_states.Shared && (images.Length != _rows || !RowMover.IsIdentity(images)))
        {
            RowMover.Move(ref _hidden, ref _spareHidden, _states.ImageBytes, images);
            RowMover.Move(ref _hiddenMask, ref _spareMask, (long)_states.Positions * sizeof(long), images);
        }

        _rows = parents.Length;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var buffer in (TensorBuffer[])[_ids, _mask, _positions, _flag, _hidden, _spareHidden, _hiddenMask, _spareMask, Embeddings])
            buffer.Dispose();
    }

    private void Prepare(StepNames names, int past, int length)
    {
        (_past, _length) = (past, length);
        foreach (var name in names.Plain)
        {
            switch (name)
            {
                case DecoderNames.UseCache:
                    _flag.Reserve(1);
                    _flag.Span<bool>(0, 1)[0] = past > 0;
                    break;
                case DecoderNames.Mask:
                    WriteMask(Integers(_mask, _rows, past + length));
                    break;
                case DecoderNames.Positions:
                    WritePositions(Integers(_positions, _rows, length));
                    break;
            }
        }
    }

    private void WriteMask(Span<long> mask)
    {
        mask.Fill(1);
        for (var row = 0; row < _rows; row++)
            mask.Slice(row * (_past + _length), _padding[row]).Clear();
    }

    // Counted from a row's first token; where its padding stands nobody looks.
    private void WritePositions(Span<long> positions)
    {
        for (var i = 0; i < positions.Length; i++)
            positions[i] = Math.Max(0, _past + (i % _length) - _padding[i / _length]);
    }

    private void WriteHiddenMask()
    {
        var mask = Integers(_hiddenMask, HiddenRows, _states.Positions);
        mask.Clear();
        for (var row = 0; row < HiddenRows; row++)
            mask.Slice(row * _states.Positions, _states.Lengths?[_states.First + row] ?? _states.Positions).Fill(1);
    }

    private OrtValue HiddenAt(int image, int images) =>
        OnnxSession.TensorAt(Hidden, image * _states.ImageBytes, TensorElementType.Float, [images, _states.Positions, _states.Size]);

    private static OrtValue Rows(TensorBuffer buffer, TensorElementType type, int row, int rows, int columns) =>
        OnnxSession.TensorAt(buffer, row * columns * OnnxSession.SizeOf(type), type, [rows, columns]);

    private static Span<long> Integers(TensorBuffer buffer, int rows, int columns)
    {
        buffer.Reserve((long)rows * columns * sizeof(long));
        return buffer.Span<long>(0, rows * columns);
    }
}
