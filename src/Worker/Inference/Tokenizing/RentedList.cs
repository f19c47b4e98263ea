using System.Buffers;

namespace VlWorker.Inference.Tokenizing;

/// <summary>A growing list over a rented array: work space of one call on one thread.</summary>
internal sealed class RentedList<T> : IDisposable
    where T : unmanaged
{
    private T[] _items = [];

    public int Count { get; private set; }

    public Span<T> Span => _items.AsSpan(0, Count);

    public void Add(T item)
    {
        if (Count == _items.Length)
            Grow(Count + 1);
        _items[Count++] = item;
    }

    public void AddRange(ReadOnlySpan<T> items) => items.CopyTo(Extend(items.Length));

    /// <summary>Appends <paramref name="length"/> items of arbitrary content, to be written by the caller.</summary>
    public Span<T> Extend(int length)
    {
        if (Count + length > _items.Length)
            Grow(Count + length);
        Count += length;
        return _items.AsSpan(Count - length, length);
    }

    public void Truncate(int count) => Count = Math.Min(Count, count);

    public void Clear() => Count = 0;

    public void Dispose()
    {
        if (_items.Length > 0)
            ArrayPool<T>.Shared.Return(_items);
        _items = [];
        Count = 0;
    }

    private void Grow(int atLeast)
    {
        var grown = ArrayPool<T>.Shared.Rent(Math.Max(Math.Max(atLeast, 64), _items.Length * 2));
        Span.CopyTo(grown);
        if (_items.Length > 0)
            ArrayPool<T>.Shared.Return(_items);
        _items = grown;
    }
}
