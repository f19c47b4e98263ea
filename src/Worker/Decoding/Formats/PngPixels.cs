using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using VlWorker.Decoding.Headers;

namespace VlWorker.Decoding.Formats;

/// <summary>A PNG's kind of pixels, and their way to RGBX. Alpha and transparent colours are dropped, of 16 bits the upper 8 are kept.</summary>
internal sealed class PngPixels
{
    private const int Grey = 0;
    private const int Rgb = 2;
    private const int Indexed = 3;
    private const int GreyAlpha = 4;
    private const int Rgba = 6;

    private readonly int _depth;
    private readonly int _colorType;
    private readonly uint[] _palette;

    /// <param name="depth">Bits a sample.</param>
    /// <param name="colorType">The colour type of the header.</param>
    /// <param name="palette">RGB triples of PLTE.</param>
    public PngPixels(int depth, int colorType, ReadOnlySpan<byte> palette)
    {
        (_depth, _colorType) = (depth, colorType);
        var allowed = colorType switch
        {
            Grey => depth is 1 or 2 or 4 or 8 or 16,
            Indexed => depth is 1 or 2 or 4 or 8,
            Rgb or GreyAlpha or Rgba => depth is 8 or 16,
            _ => false,
        };
        if (!allowed)
            throw ImageHeader.Corrupt("png", $"colour type {colorType} with {depth} bits does not exist");
        if (colorType == Indexed && palette.IsEmpty)
            throw ImageHeader.Corrupt("png", "its palette is missing");
        _palette = colorType switch
        {
            Indexed => Colors.Palette(palette),
            Grey when depth < 8 => [.. Enumerable.Range(0, 1 << depth).Select(level => Colors.Grey((byte)(level * 255 / ((1 << depth) - 1))))],
            _ => [],
        };
        BitsPerPixel = depth * colorType switch { Rgb => 3, GreyAlpha => 2, Rgba => 4, _ => 1 };
    }

    /// <summary>Bits a pixel.</summary>
    public int BitsPerPixel { get; }

    /// <summary>Bytes from a sample to that of the pixel to the left, for the filters.</summary>
    public int FilterBytes => Math.Max(1, BitsPerPixel / 8);

    /// <summary>Bytes of a row without its filter byte.</summary>
    public int RowBytes(int width) => (int)((((long)width * BitsPerPixel) + 7) / 8);

    /// <summary>Converts a row.</summary>
    /// <param name="row">Restored bytes.</param>
    /// <param name="target">RGBX.</param>
    /// <param name="step">Target pixels from one source pixel to the next: 1, or the distance of an interlacing pass.</param>
    /// <param name="count">Source pixels.</param>
    public void Expand(ReadOnlySpan<byte> row, Span<uint> target, int step, int count)
    {
        if (_palette.Length > 0)
        {
            ExpandLevels(row, target, step, count);
            return;
        }

        var bytes = BitsPerPixel / 8;
        var sample = _depth / 8;
        var (green, blue) = _colorType is Grey or GreyAlpha ? (0, 0) : (sample, 2 * sample);
        if (step == 1 && _depth == 8 && _colorType == Rgb)
        {
            ExpandRgb(row, target, count);
            return;
        }

        if (step == 1 && _depth == 8 && _colorType == Rgba)
        {
            row.CopyTo(MemoryMarshal.AsBytes(target));
            return;
        }

        for (int i = 0, at = 0; i < count; i++, at += bytes)
            target[i * step] = Colors.Pack(row[at], row[at + green], row[at + blue]);
    }

    // Four bytes of three: the fourth, of the next pixel, is of no matter.
    private static void ExpandRgb(ReadOnlySpan<byte> row, Span<uint> target, int count)
    {
        ref var first = ref MemoryMarshal.GetReference(row);
        for (var i = 0; i < count - 1; i++)
            target[i] = Unsafe.ReadUnaligned<uint>(ref Unsafe.Add(ref first, i * 3));
        var last = (count - 1) * 3;
        target[count - 1] = Colors.Pack(row[last], row[last + 1], row[last + 2]);
    }

    private void ExpandLevels(ReadOnlySpan<byte> row, Span<uint> target, int step, int count)
    {
        var palette = _palette;
        if (_depth == 8)
        {
            for (var i = 0; i < count; i++)
                target[i * step] = palette[row[i]];
            return;
        }

        var mask = (1 << _depth) - 1;
        for (var i = 0; i < count; i++)
        {
            var bit = i * _depth;
            target[i * step] = palette[(row[bit >> 3] >> (8 - _depth - (bit & 7))) & mask];
        }
    }
}
