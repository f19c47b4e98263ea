using Microsoft.ML.OnnxRuntime;
using VlWorker.Inference.Engine;

namespace VlWorker.Inference.Generation;

/// <summary>
/// Keys and values of the tokens so far, with room for more: a step writes its own position in place, and nothing that is there is copied
/// until rows leave, fork, or the room is used up.
/// </summary>
/// <param name="layout">The tensors.</param>
internal sealed class InPlaceCache(IReadOnlyList<CacheTensor> layout) : IDisposable
{
    // As many as a caption has, and few enough that a row is moved quickly.
    private const int FirstCapacity = 24;

    private readonly TensorBuffer[] _present = [.. layout.Select(static _ => new TensorBuffer())];
    private readonly TensorBuffer[] _other = [.. layout.Select(static _ => new TensorBuffer())];
    private int _rows;

    /// <summary>Positions that there is room for.</summary>
    public int Capacity { get; private set; }

    /// <summary>Positions so far.</summary>
    public int Positions { get; private set; }

    /// <summary>Forgets everything.</summary>
    /// <param name="rows">Rows.</param>
    /// <param name="positions">Positions of the longest prompt that will be written before the first <see cref="Advance"/>.</param>
    public void Start(int rows, int positions = 0)
    {
        (_rows, Positions, Capacity) = (rows, positions, FirstCapacity + positions);
        Reserve();
    }

    /// <summary>Makes room for one more position.</summary>
    /// <returns>Whether memory has moved.</returns>
    public bool Grow()
    {
        if (Positions < Capacity)
            return false;
        var old = Capacity;
        Capacity *= 2;
        for (var i = 0; i < layout.Count; i++)
        {
            var (from, to) = (layout[i].RowBytes(old) / layout[i].Heads, layout[i].RowBytes(Capacity) / layout[i].Heads);
            _other[i].Reserve(layout[i].RowBytes(Capacity) * _rows);
            for (var head = 0; head < _rows * layout[i].Heads; head++)
                _other[i].CopyFrom(_present[i], head * from, head * to, from);
            (_present[i], _other[i]) = (_other[i], _present[i]);
        }

        return true;
    }

    /// <summary>After a step.</summary>
    public void Advance() => Positions++;

    /// <summary>A tensor over the memory, of all rows with all their room. The caller disposes of it.</summary>
    public OrtValue Tensor(int index) =>
        OnnxSession.Tensor(_present[index], layout[index].Type, _rows, layout[index].Heads, Capacity, layout[index].Size);

    /// <summary>A tensor over some neighbouring rows. The caller disposes of it.</summary>
    public OrtValue Tensor(int index, int row, int rows) => OnnxSession.TensorAt(
        _present[index], row * layout[index].RowBytes(Capacity), layout[index].Type, [rows, layout[index].Heads, Capacity, layout[index].Size]);

    /// <summary>Copies the first positions of a row into another one.</summary>
    public void Copy(int from, int to, int positions)
    {
        for (var i = 0; i < layout.Count; i++)
        {
            var (heads, room, bytes) = (layout[i].Heads, layout[i].RowBytes(Capacity) / layout[i].Heads, layout[i].RowBytes(positions) / layout[i].Heads);
            for (var head = 0; head < heads; head++)
                _present[i].CopyFrom(_present[i], ((from * heads) + head) * room, ((to * heads) + head) * room, bytes);
        }
    }

    /// <summary>Takes over rows: new row i is old row parents[i].</summary>
    public void Arrange(ReadOnlySpan<int> parents)
    {
        for (var i = 0; i < layout.Count; i++)
            RowMover.Move(ref _present[i], ref _other[i], layout[i].RowBytes(Capacity), parents);
        _rows = parents.Length;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var buffer in _present.Concat(_other))
            buffer.Dispose();
    }

    private void Reserve()
    {
        for (var i = 0; i < layout.Count; i++)
            _present[i].Reserve(layout[i].RowBytes(Capacity) * _rows);
    }
}
