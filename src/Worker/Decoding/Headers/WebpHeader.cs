using System.Buffers.Binary;

namespace VlWorker.Decoding.Headers;

/// <summary>Walks a WebP's chunks (RFC 9649).</summary>
internal static class WebpHeader
{
    private const byte AlphaFlag = 0x10;

    public static ImageHeader Read(ReadOnlySpan<byte> encoded)
    {
        var chunks = encoded[12..];
        var orientation = default(Orientation);
        (int Width, int Height)? size = null;
        var decoderBytesPerPixel = 4;
        while (chunks.Length >= 8)
        {
            var length = (int)Math.Min(BinaryPrimitives.ReadUInt32LittleEndian(chunks[4..]), (uint)(chunks.Length - 8));
            var content = chunks.Slice(8, length);
            if (chunks.StartsWith("VP8X"u8) && length >= 10)
            {
                // The canvas decides, whatever the frames in it say. A plane of alpha is decoded apart, losslessly.
                size ??= (UInt24(content[4..]) + 1, UInt24(content[7..]) + 1);
                decoderBytesPerPixel = (content[0] & AlphaFlag) != 0 ? 9 : 4;
            }
            else if (chunks.StartsWith("VP8 "u8) && length >= 10)
            {
                size ??= (BinaryPrimitives.ReadUInt16LittleEndian(content[6..]) & 0x3FFF, BinaryPrimitives.ReadUInt16LittleEndian(content[8..]) & 0x3FFF);
            }
            else if (chunks.StartsWith("VP8L"u8) && length >= 5)
            {
                // Lossless images are decoded into a frame of the decoder's own first.
                var bits = BinaryPrimitives.ReadUInt32LittleEndian(content[1..]);
                size ??= ((int)(bits & 0x3FFF) + 1, (int)((bits >> 14) & 0x3FFF) + 1);
                decoderBytesPerPixel = 9;
            }
            else if (chunks.StartsWith("EXIF"u8))
            {
                orientation = Exif.ReadOrientation(content);
            }

            chunks = chunks[Math.Min(chunks.Length, 8 + length + (length & 1))..];
        }

        var (width, height) = size ?? throw ImageHeader.Corrupt("webp", "it has no image chunk");
        return new ImageHeader(ImageFormat.Webp, width, height, orientation, (long)width * height * decoderBytesPerPixel);
    }

    private static int UInt24(ReadOnlySpan<byte> bytes) => bytes[0] | (bytes[1] << 8) | (bytes[2] << 16);
}
