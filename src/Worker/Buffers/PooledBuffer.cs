using System.Buffers;

namespace VlWorker.Buffers;

/// <summary>A rented array with one owner, who disposes of it exactly once; a second disposal does nothing, a use after it throws.</summary>
internal sealed class PooledBuffer : IDisposable
{
    private byte[]? _array;

    /// <summary>Rents at least <paramref name="length"/> bytes; their content is arbitrary.</summary>
    public PooledBuffer(int length)
    {
        Length = length;
        _array = ArrayPool<byte>.Shared.Rent(length);
    }

    /// <summary>Bytes in use.</summary>
    public int Length { get; private set; }

    /// <summary>The bytes in use.</summary>
    public Memory<byte> Memory => (_array ?? throw new ObjectDisposedException(nameof(PooledBuffer))).AsMemory(0, Length);

    /// <summary>The bytes in use.</summary>
    public Span<byte> Span => Memory.Span;

    /// <summary>Keeps the first <paramref name="length"/> bytes only.</summary>
    public void Truncate(int length)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, Length);
        Length = length;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _array, null) is { } array)
            ArrayPool<byte>.Shared.Return(array);
    }
}
