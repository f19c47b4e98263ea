using VlWorker.Decoding.Headers;

namespace VlWorker.Decoding.Formats;

/// <summary>Inflated rows with their filters undone, one after another.</summary>
internal sealed unsafe class PngRows : IDisposable
{
    // Inflating many rows at a time costs fewer calls.
    private const int ChunkBytes = 64 << 10;

    // Zeros before each row stand for the pixel left of its first one.
    private const int Before = PngFilter.Slack;

    private readonly Stream _inflated;
    private readonly PngPixels _pixels;
    private readonly DecoderScratch _scratch;
    private readonly PixelMemory _memory;
    private readonly int _lineBytes;
    private readonly int _chunkBytes;
    private byte* _above;
    private byte* _current;
    private int _rowBytes;
    private int _filled;
    private int _taken;

    /// <param name="inflated">The rows, each with its filter byte.</param>
    /// <param name="pixels">Their kind.</param>
    /// <param name="width">Pixels of the widest row.</param>
    /// <param name="scratch">Working memory.</param>
    public PngRows(Stream inflated, PngPixels pixels, int width, DecoderScratch scratch)
    {
        (_inflated, _pixels, _scratch) = (inflated, pixels, scratch);
        var rowBytes = pixels.RowBytes(width);
        _lineBytes = (Before + rowBytes + PngFilter.Slack + 63) & ~63;
        _chunkBytes = Math.Max(ChunkBytes, rowBytes + 1);
        _memory = scratch.Rent((2L * _lineBytes) + _chunkBytes + PngFilter.Slack);
    }

    private byte* Chunk => _memory.Pointer + (2 * (nint)_lineBytes);

    /// <summary>Working memory for rows of so many pixels, from above.</summary>
    public static long MemoryBytes(int width) => (3L * 8 * width) + ChunkBytes + 256;

    /// <summary>Begins an image, or a pass of an interlaced one: there is no row above the first.</summary>
    public void Begin(int width)
    {
        _rowBytes = _pixels.RowBytes(width);
        _above = _memory.Pointer + Before;
        _current = _above + _lineBytes;
        new Span<byte>(_memory.Pointer, 2 * _lineBytes).Clear();
    }

    /// <summary>The next row; valid until the one after the next.</summary>
    public ReadOnlySpan<byte> Next()
    {
        if (_filled - _taken < _rowBytes + 1)
            Fill();
        var source = Chunk + _taken;
        var restored = _above;
        _above = _current;
        _current = restored;
        if (!PngFilter.Restore(source[0], source + 1, _above, _current, _rowBytes, _pixels.FilterBytes))
            throw ImageHeader.Corrupt("png", $"row filter {source[0]} does not exist");
        _taken += _rowBytes + 1;
        return new ReadOnlySpan<byte>(_current, _rowBytes);
    }

    /// <inheritdoc/>
    public void Dispose() => _scratch.Return(_memory);

    private void Fill()
    {
        var rest = _filled - _taken;
        Buffer.MemoryCopy(Chunk + _taken, Chunk, _chunkBytes, rest);
        (_taken, _filled) = (0, rest);
        while (_filled < _rowBytes + 1)
        {
            var read = _inflated.Read(new Span<byte>(Chunk + _filled, _chunkBytes - _filled));
            if (read == 0)
                throw ImageHeader.Corrupt("png", "it is cut short");
            _filled += read;
        }
    }
}
