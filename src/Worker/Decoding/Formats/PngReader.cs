using System.Buffers.Binary;
using System.IO.Compression;
using VlWorker.Decoding.Headers;

namespace VlWorker.Decoding.Formats;

/// <summary>
/// Decodes PNG. Skia's codec holds the whole image, rounds 16-bit samples where Pillow cuts them off, and offers no wider pixels
/// that are exact; this one hands on bands of rows. The inflater is the runtime's.
/// </summary>
internal static unsafe class PngReader
{
    // First column, first row, column step, row step of Adam7's passes.
    private static readonly (int X, int Y, int StepX, int StepY)[] Passes =
        [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)];

    public static void Read(ReadOnlyMemory<byte> encoded, ImageHeader header, DecoderScratch scratch, RowSink sink, CancellationToken cancellation)
    {
        var file = PngFile.Open(encoded);
        using var inflated = new ZLibStream(new IdatStream(file.Data), CompressionMode.Decompress);
        try
        {
            using var rows = new PngRows(inflated, file.Pixels, header.Width, scratch);
            if (file.Interlaced)
                ReadInterlaced(rows, file.Pixels, header, scratch, sink, cancellation);
            else
                ReadBands(rows, file.Pixels, header, scratch, sink, cancellation);

            // What follows the last row is the checksum over all of them.
            inflated.ReadByte();
        }
        // A stream that asks for a dictionary is an IOException of zlib; nothing else is read from here.
        catch (Exception e) when (e is InvalidDataException or IOException)
        {
            throw ImageHeader.Corrupt("png", "its compressed data is broken", e);
        }
    }

    private static void ReadBands(
        PngRows rows, PngPixels pixels, ImageHeader header, DecoderScratch scratch, RowSink sink, CancellationToken cancellation)
    {
        var bandRows = RowReader.BandRows(header.Width, header.Height);
        var band = scratch.Rent(RowReader.BandMemory(header.Width, header.Height));
        try
        {
            rows.Begin(header.Width);
            for (var row = 0; row < header.Height; row += bandRows)
            {
                cancellation.ThrowIfCancellationRequested();
                var count = Math.Min(bandRows, header.Height - row);
                for (var i = 0; i < count; i++)
                    pixels.Expand(rows.Next(), new Span<uint>(band.Pointer + ((nint)i * header.Width * 4), header.Width), 1, header.Width);
                sink(band.Pointer, header.Width * 4, count);
            }
        }
        finally
        {
            scratch.Return(band);
        }
    }

    private static void ReadInterlaced(
        PngRows rows, PngPixels pixels, ImageHeader header, DecoderScratch scratch, RowSink sink, CancellationToken cancellation)
    {
        var frame = scratch.Rent(((long)header.Width * header.Height * 4) + RowReader.Slack);
        try
        {
            foreach (var (x, y, stepX, stepY) in Passes)
            {
                var width = (header.Width - x + stepX - 1) / stepX;
                if (width <= 0)
                    continue;
                rows.Begin(width);
                for (var row = y; row < header.Height; row += stepY)
                {
                    cancellation.ThrowIfCancellationRequested();
                    var target = new Span<uint>(frame.Pointer + ((nint)row * header.Width * 4), header.Width);
                    pixels.Expand(rows.Next(), target[x..], stepX, width);
                }
            }

            sink(frame.Pointer, header.Width * 4, header.Height);
        }
        finally
        {
            scratch.Return(frame);
        }
    }
}

/// <summary>What is found in a PNG before its pixels.</summary>
/// <param name="Pixels">Their kind.</param>
/// <param name="Interlaced">They come in Adam7's seven passes.</param>
/// <param name="Data">The file from its first IDAT chunk on.</param>
internal readonly record struct PngFile(PngPixels Pixels, bool Interlaced, ReadOnlyMemory<byte> Data)
{
    /// <summary>Walks the chunks up to the first IDAT.</summary>
    public static PngFile Open(ReadOnlyMemory<byte> encoded)
    {
        var span = encoded.Span;
        ReadOnlySpan<byte> palette = default;
        var at = PngHeader.Signature.Length;
        while (at + 8 <= span.Length)
        {
            var length = BinaryPrimitives.ReadUInt32BigEndian(span[at..]);
            var type = span.Slice(at + 4, 4);
            if (type.SequenceEqual("IDAT"u8))
                return Create(span.Slice(PngHeader.Signature.Length + 8, 13), palette, encoded[at..]);
            if (length > (uint)(span.Length - at - 8) || span.Length - at - 8 - (int)length < 4)
                break;
            var content = span.Slice(at + 8, (int)length);
            if (type.SequenceEqual("IHDR"u8) || type.SequenceEqual("PLTE"u8))
                CheckSum(span.Slice(at + 4, (int)length + 4), BinaryPrimitives.ReadUInt32BigEndian(span[(at + 8 + (int)length)..]));
            if (type.SequenceEqual("PLTE"u8))
                palette = content[..Math.Min(content.Length, 256 * 3)];
            at += 12 + (int)length;
        }

        throw ImageHeader.Corrupt("png", "it ends before its pixels");
    }

    private static PngFile Create(ReadOnlySpan<byte> header, ReadOnlySpan<byte> palette, ReadOnlyMemory<byte> data)
    {
        if (header[10] != 0 || header[11] != 0 || header[12] > 1)
            throw ImageHeader.Corrupt("png", $"compression {header[10]}, filter {header[11]}, interlacing {header[12]} do not exist");
        return new PngFile(new PngPixels(header[8], header[9], palette), header[12] == 1, data);
    }

    // CRC-32 bit by bit: only a few hundred bytes are ever checked.
    private static void CheckSum(ReadOnlySpan<byte> bytes, uint expected)
    {
        var crc = uint.MaxValue;
        foreach (var value in bytes)
        {
            crc ^= value;
            for (var bit = 0; bit < 8; bit++)
                crc = (crc >> 1) ^ (0xEDB88320 & (uint)-(int)(crc & 1));
        }

        if (~crc != expected)
            throw ImageHeader.Corrupt("png", "the checksum of its header or palette is wrong");
    }
}
