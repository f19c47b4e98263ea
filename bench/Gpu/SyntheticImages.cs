using VlWorker.Buffers;
using VlWorker.Decoding;

namespace VlWorker.Bench.Gpu;

/// <summary>Images that are told apart by a model of random weights: sixteen tiles of random colours under a little noise.</summary>
internal static class SyntheticImages
{
    private const int Side = 224;
    private const int Tile = Side / 4;

    /// <summary>Images of 224 x 224 pixels, the same at every call.</summary>
    public static PreparedPixels[] Make(int count) => [.. Enumerable.Range(0, count).Select(Make1)];

    /// <summary>Writes the images' bytes, one image after the other, for programs in other languages.</summary>
    public static void Save(IEnumerable<PreparedPixels> images, string path)
    {
        using var file = File.Create(path);
        foreach (var image in images)
            file.Write(image.Rgb[..(3 * Side * Side)]);
    }

    private static PreparedPixels Make1(int seed)
    {
        var random = new Random(1000 + seed);
        var colours = new int[4 * 4 * 3];
        for (var i = 0; i < colours.Length; i++)
            colours[i] = random.Next(256);
        var buffer = new PooledBuffer(3 * Side * Side);
        var pixels = buffer.Span;
        for (var i = 0; i < pixels.Length; i++)
        {
            var (x, y) = (i / 3 % Side, i / 3 / Side);
            var colour = colours[(((y / Tile * 4) + (x / Tile)) * 3) + (i % 3)];
            pixels[i] = (byte)Math.Clamp(colour + random.Next(-24, 25), 0, 255);
        }

        return new PreparedPixels(Side, Side, buffer, null);
    }
}
