using Microsoft.ML.OnnxRuntime;
using VlWorker.Inference.Engine;

namespace VlWorker.Inference.Generation;

/// <summary>
/// Keys and values of the positions so far. Each growing tensor has two buffers: a step reads one and writes the other, and rows are
/// rearranged from the one just written into the one just read.
/// </summary>
/// <param name="layout">The tensors.</param>
internal sealed class KeyValueCache(IReadOnlyList<CacheTensor> layout) : IDisposable
{
    private readonly TensorBuffer[] _present = [.. layout.Select(_ => new TensorBuffer())];
    private readonly TensorBuffer[] _other = [.. layout.Select(_ => new TensorBuffer())];
    private readonly OrtValue?[] _values = new OrtValue?[layout.Count];
    private readonly OrtValue?[] _written = new OrtValue?[layout.Count];
    private int _rows;
    private int _crossPositions;

    /// <summary>Positions so far.</summary>
    public int Positions { get; private set; }

    /// <summary>Forgets everything and makes room for the first step.</summary>
    /// <param name="rows">Rows of the new batch.</param>
    /// <param name="crossPositions">Positions of the cross-attention tensors.</param>
    /// <param name="length">Positions of the first step.</param>
    public void Start(int rows, int crossPositions, int length)
    {
        DropValues();
        (_rows, Positions, _crossPositions) = (rows, 0, crossPositions);
        for (var i = 0; i < layout.Count; i++)
            _written[i] = Tensor(i, _other[i], LengthOf(i, length));
    }

    /// <summary>Adds tensors without positions, which a merged graph wants in the first step. The caller disposes of them.</summary>
    public void AddEmpty(List<OrtValue> inputs, int rows)
    {
        for (var i = 0; i < layout.Count; i++)
        {
            _present[i].Reserve(0);
            inputs.Add(OnnxSession.Tensor(_present[i], layout[i].Type, rows, layout[i].Heads, 0, layout[i].Size));
        }
    }

    /// <summary>Adds the tensors that the first step writes for some neighbouring rows. The caller disposes of them.</summary>
    public void AddFirst(List<OrtValue> outputs, int row, int rows, int length)
    {
        for (var i = 0; i < layout.Count; i++)
        {
            var (tensor, positions) = (layout[i], LengthOf(i, length));
            outputs.Add(OnnxSession.TensorAt(_other[i], row * tensor.RowBytes(positions), tensor.Type, [rows, tensor.Heads, positions, tensor.Size]));
        }
    }

    /// <summary>Adds the tensors as a step's inputs; they stay this object's.</summary>
    public void AddInputs(List<OrtValue> inputs)
    {
        for (var i = 0; i < layout.Count; i++)
            inputs.Add(_values[i] ??= Tensor(i, _present[i], LengthOf(i, Positions)));
    }

    /// <summary>Adds the tensors that a further step writes; they stay this object's.</summary>
    public void AddOutputs(List<OrtValue> outputs)
    {
        for (var i = 0; i < layout.Count; i++)
        {
            if (!layout[i].Cross)
                outputs.Add(_written[i] = Tensor(i, _other[i], Positions + 1));
        }
    }

    /// <summary>After a step: what was written is the cache now.</summary>
    public void Advance(int length)
    {
        for (var i = 0; i < layout.Count; i++)
        {
            if (_written[i] is not { } written)
                continue;
            _values[i]?.Dispose();
            _values[i] = written;
            _written[i] = null;
            (_present[i], _other[i]) = (_other[i], _present[i]);
        }

        Positions += length;
    }

    /// <summary>Takes over rows: new row i is old row parents[i], with the image of old row images[i].</summary>
    public void Arrange(ReadOnlySpan<int> parents, ReadOnlySpan<int> images)
    {
        var (moved, imagesMoved) = (Moves(parents), Moves(images));
        for (var i = 0; i < layout.Count; i++)
        {
            // Beams that change places within an image leave its keys and values where they are.
            if (layout[i].Cross ? imagesMoved : moved)
                Arrange(i, layout[i].Cross ? images : parents);
        }

        _rows = parents.Length;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        DropValues();
        foreach (var buffer in _present.Concat(_other))
            buffer.Dispose();
    }

    private bool Moves(ReadOnlySpan<int> sources) => sources.Length != _rows || !RowMover.IsIdentity(sources);

    private void Arrange(int index, ReadOnlySpan<int> sources)
    {
        _values[index]?.Dispose();
        _values[index] = null;
        RowMover.Move(ref _present[index], ref _other[index], layout[index].RowBytes(LengthOf(index, Positions)), sources);
    }

    private int LengthOf(int index, int positions) => layout[index].Cross ? _crossPositions : positions;

    private OrtValue Tensor(int index, TensorBuffer buffer, int positions)
    {
        var tensor = layout[index];
        buffer.Reserve(tensor.RowBytes(positions) * _rows);
        return OnnxSession.Tensor(buffer, tensor.Type, _rows, tensor.Heads, positions, tensor.Size);
    }

    private void DropValues()
    {
        for (var i = 0; i < layout.Count; i++)
        {
            _values[i]?.Dispose();
            _written[i]?.Dispose();
            _values[i] = _written[i] = null;
        }
    }
}
