using System.Buffers.Binary;

namespace VlWorker.Decoding.Formats;

/// <summary>Makes 5- and 6-bit samples of 16-bit BMPs what Pillow makes of them: it cuts off where Skia rounds.</summary>
internal static unsafe class BmpColors
{
    private const int BitsAt = 28;
    private const int CompressionAt = 30;
    private const int GreenMaskAt = 58;

    /// <summary>Corrects decoded RGBX pixels.</summary>
    public static void Correct(ReadOnlySpan<byte> encoded, byte* pixels, long count)
    {
        if (encoded.Length < GreenMaskAt + 4 || BinaryPrimitives.ReadInt32LittleEndian(encoded[14..]) < 40)
            return;
        if (BinaryPrimitives.ReadUInt16LittleEndian(encoded[BitsAt..]) != 16)
            return;

        // Uncompressed means 5-5-5; otherwise masks are given.
        var sixBitGreen = BinaryPrimitives.ReadInt32LittleEndian(encoded[CompressionAt..]) != 0
            && BinaryPrimitives.ReadInt32LittleEndian(encoded[GreenMaskAt..]) == 0x7E0;
        var five = Table(31);
        var green = sixBitGreen ? Table(63) : five;
        for (var end = pixels + (count * 4); pixels < end; pixels += 4)
        {
            pixels[0] = five[pixels[0]];
            pixels[1] = green[pixels[1]];
            pixels[2] = five[pixels[2]];
        }
    }

    // From a rounded byte back to the sample, and from there down to a byte.
    private static byte[] Table(int most) =>
        [.. Enumerable.Range(0, 256).Select(value => (byte)((int)Math.Round(value * most / 255.0) * 255 / most))];
}
