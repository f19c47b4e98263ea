using System.Runtime.InteropServices;

namespace VlWorker.Decoding;

/// <summary>Unmanaged memory with one owner, who disposes of it. Its content is arbitrary at first.</summary>
/// <remarks>Pixels of whole images are too large for the managed heap, where they would stay until the next full collection.</remarks>
internal sealed unsafe class PixelMemory : IDisposable
{
    private const nuint Alignment = 64;

    private byte* _pointer;

    public PixelMemory(long bytes)
    {
        Bytes = bytes;
        _pointer = (byte*)NativeMemory.AlignedAlloc(checked((nuint)bytes), Alignment);
    }

    /// <summary>The first byte, aligned to 64.</summary>
    public byte* Pointer => _pointer is not null ? _pointer : throw new ObjectDisposedException(nameof(PixelMemory));

    /// <summary>Bytes allocated.</summary>
    public long Bytes { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        NativeMemory.AlignedFree(_pointer);
        _pointer = null;
    }
}
