using VlWorker.Decoding.Headers;

namespace VlWorker.Decoding.Formats;

/// <summary>GIF's variant of LZW: codes of 3 to 12 bits, lowest bit first, in blocks of up to 255 bytes.</summary>
internal static class GifLzw
{
    private const int MostCodes = 4096;
    private const int MostBits = 12;

    /// <summary>Decodes a frame's pixels.</summary>
    /// <param name="data">The code size, then the blocks.</param>
    /// <param name="pixels">Filled with colour indices.</param>
    /// <exception cref="Failures.RejectedException">The codes are broken, or end before the last pixel.</exception>
    public static void Decode(ReadOnlySpan<byte> data, Span<byte> pixels)
    {
        if (pixels.IsEmpty)
            return;
        if (data.IsEmpty || data[0] is < 1 or > 11)
            throw ImageHeader.Corrupt("gif", "its code size is out of range");
        var codes = new CodeReader(data[1..], data[0] + 1);
        var (clear, end) = (1 << data[0], (1 << data[0]) + 1);

        // A code stands for the pixels of an earlier code and one more: where they lie in the output, and how many there are.
        Span<int> starts = stackalloc int[MostCodes];
        Span<int> lengths = stackalloc int[MostCodes];
        var (next, filled, previous) = (end + 1, 0, -1);
        while (filled < pixels.Length)
        {
            var code = codes.Next();
            if (code < 0 || code == end)
                throw ImageHeader.Corrupt("gif", "its first frame is cut short");
            if (code == clear)
            {
                (next, previous) = (end + 1, -1);
                codes.Bits = data[0] + 1;
                continue;
            }

            if (code > next || (code == next && previous < 0) || (previous < 0 && code > end))
                throw ImageHeader.Corrupt("gif", "its first frame has a code that stands for nothing");
            var start = filled;
            if (previous >= 0 && next < MostCodes)
            {
                // The earlier code's pixels and the first of this one's, which come to lie right after them.
                (starts[next], lengths[next]) = (filled - Length(previous, clear, lengths), Length(previous, clear, lengths) + 1);
                next++;
                if (next == 1 << codes.Bits && codes.Bits < MostBits)
                    codes.Bits++;
            }

            filled = code < clear ? Put(pixels, filled, (byte)code) : Copy(pixels, filled, starts[code], lengths[code]);
            previous = filled > start ? code : previous;
        }
    }

    private static int Length(int code, int clear, ReadOnlySpan<int> lengths) => code < clear ? 1 : lengths[code];

    private static int Put(Span<byte> pixels, int at, byte value)
    {
        pixels[at] = value;
        return at + 1;
    }

    // Byte by byte, since the copy may reach into what it writes; the last code may stand for more pixels than there are.
    private static int Copy(Span<byte> pixels, int at, int from, int count)
    {
        count = Math.Min(count, pixels.Length - at);
        for (var i = 0; i < count; i++)
            pixels[at + i] = pixels[from + i];
        return at + count;
    }

    private ref struct CodeReader(ReadOnlySpan<byte> blocks, int bits)
    {
        private readonly ReadOnlySpan<byte> _blocks = blocks;
        private int _at;
        private int _blockEnd;
        private uint _buffer;
        private int _buffered;

        /// <summary>Bits of the next code.</summary>
        public int Bits { get; set; } = bits;

        /// <summary>The next code; -1 at the end of the data.</summary>
        public int Next()
        {
            while (_buffered < Bits)
            {
                if (_at == _blockEnd)
                {
                    if (_at >= _blocks.Length || _blocks[_at] == 0)
                        return -1;
                    _blockEnd = Math.Min(_blocks.Length, _at + 1 + _blocks[_at]);
                    _at++;
                    continue;
                }

                _buffer |= (uint)_blocks[_at++] << _buffered;
                _buffered += 8;
            }

            var code = (int)(_buffer & ((1u << Bits) - 1));
            _buffer >>= Bits;
            _buffered -= Bits;
            return code;
        }
    }
}
