using System.Buffers.Binary;
using VlWorker.Decoding.Formats;

namespace VlWorker.Decoding.Headers;

/// <summary>Reads a PNG's IHDR and eXIf chunks (W3C PNG, third edition).</summary>
internal static class PngHeader
{
    // IHDR: length, type, then 13 bytes of content.
    private const int ImageHeaderEnd = 8 + 8 + 13;

    public static ReadOnlySpan<byte> Signature => [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A];

    public static ImageHeader Read(ReadOnlySpan<byte> encoded)
    {
        if (encoded.Length < ImageHeaderEnd || !encoded[12..].StartsWith("IHDR"u8))
            throw ImageHeader.Corrupt("png", "it has no header chunk");
        var width = (int)Math.Min(int.MaxValue, BinaryPrimitives.ReadUInt32BigEndian(encoded[16..]));
        var height = (int)Math.Min(int.MaxValue, BinaryPrimitives.ReadUInt32BigEndian(encoded[20..]));
        var interlaced = encoded[ImageHeaderEnd - 1] != 0;
        var memory = PngRows.MemoryBytes(width) + (interlaced ? (long)width * height * 4 : 0);
        return new ImageHeader(ImageFormat.Png, width, height, FindOrientation(encoded), memory);
    }

    private static Orientation FindOrientation(ReadOnlySpan<byte> encoded)
    {
        var chunks = encoded[Signature.Length..];
        while (chunks.Length >= 12)
        {
            var length = (int)Math.Min(BinaryPrimitives.ReadUInt32BigEndian(chunks), (uint)(chunks.Length - 12));
            if (chunks[4..].StartsWith("eXIf"u8))
                return Exif.ReadOrientation(chunks.Slice(8, length));
            chunks = chunks[(12 + length)..];
        }

        return default;
    }
}
