using System.Runtime.InteropServices;

namespace VlWorker.Inference.Engine;

/// <summary>
/// Memory outside the managed heap, aligned to 64 bytes, that grows and is used again. It has one owner, who disposes of it once no
/// tensor over it is in use.
/// </summary>
internal sealed unsafe class TensorBuffer : IDisposable
{
    private const nuint Alignment = 64;
    private void* _memory;
    private long _capacity;

    /// <summary>The first byte; valid until the next <see cref="Reserve"/>.</summary>
    public nint Pointer => (nint)_memory;

    /// <summary>Bytes reserved.</summary>
    public long Capacity => _capacity;

    /// <summary>Makes room for at least <paramref name="bytes"/>. If it must grow, the content is lost and the address changes.</summary>
    /// <exception cref="OutOfMemoryException">There is no such memory.</exception>
    public void Reserve(long bytes)
    {
        if (bytes <= _capacity && _memory is not null)
            return;
        // Half as much again: sequences grow by one position a step.
        var capacity = Math.Max(Math.Max(bytes, _capacity + (_capacity / 2)), 256);
        Free();
        _memory = NativeMemory.AlignedAlloc((nuint)capacity, Alignment);
        _capacity = capacity;
    }

    /// <summary>A part of it as elements.</summary>
    /// <param name="offset">In bytes.</param>
    /// <param name="count">In elements.</param>
    public Span<T> Span<T>(long offset, int count)
        where T : unmanaged
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset + ((long)count * sizeof(T)), _capacity);
        return new Span<T>((byte*)_memory + offset, count);
    }

    /// <summary>Copies bytes within it, which may overlap, or from another buffer.</summary>
    public void CopyFrom(TensorBuffer source, long from, long to, long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(from + bytes, source._capacity);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(to + bytes, _capacity);
        Buffer.MemoryCopy((byte*)source._memory + from, (byte*)_memory + to, _capacity - to, bytes);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        if (_memory is null)
            return;
        NativeMemory.AlignedFree(_memory);
        _memory = null;
        _capacity = 0;
    }

    ~TensorBuffer() => Free();
}
