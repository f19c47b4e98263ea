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

    /// <summary>Forgets everything.</summary>
    /// <param name="rows">Rows of the new batch.</param>
    /// <param name="crossPositions">Positions of the cross-attention tensors.</param>
    public void Start(int rows, int crossPositions)
    {
        DropValues();
        (_rows, Positions, _crossPositions) = (rows, 0, crossPositions);
    }

    /// <summary>Adds the tensors as a step's inputs; they stay this object's.</summary>
    public void AddInputs(List<OrtValue> inputs)
    {
        for (var i = 0; i < layout.Count; i++)
            inputs.Add(_values[i] ??= Tensor(i, _present[i], Positions == 0 ? 0 : LengthOf(i, Positions)));
    }

    /// <summary>Adds the tensors that a step writes; they stay this object's.</summary>
    public void AddOutputs(List<OrtValue> outputs, bool first, int length)
    {
        for (var i = 0; i < layout.Count; i++)
        {
            if (!first && layout[i].Cross)
                continue;
            outputs.Add(_written[i] = Tensor(i, _other[i], LengthOf(i, Positions + length)));
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

    /// <summary>Takes over rows: new row i is old row parents[i].</summary>
    public void Arrange(ReadOnlySpan<int> parents)
    {
        if (parents.Length == _rows && RowMover.IsIdentity(parents))
            return;
        DropValues();
        var compaction = RowMover.IsCompaction(parents);
        for (var i = 0; i < layout.Count; i++)
        {
            var rowBytes = layout[i].RowBytes(LengthOf(i, Positions));
            if (compaction)
            {
                RowMover.Compact(_present[i], rowBytes, parents);
                continue;
            }

            _other[i].Reserve(rowBytes * parents.Length);
            RowMover.Gather(_present[i], _other[i], rowBytes, parents);
            (_present[i], _other[i]) = (_other[i], _present[i]);
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
