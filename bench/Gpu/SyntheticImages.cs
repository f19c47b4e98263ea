using VlWorker.Buffers;
using VlWorker.Decoding;

namespace VlWorker.Bench.Gpu;

/// <summary>Images that are told apart by a model of random weights: sixteen tiles of random colours under a little noise.</summary>
internal static class SyntheticImages
{
    private const int Tiles = 4;

    /// <summary>Square images, the same at every call.</summary>
    /// <param name="count">How many.</param>
    /// <param name="side">Pixels, a multiple of four.</param>
    /// <param name="shared">Whether rows about one of them have it encoded once, as in a worker. Else it stands for an image of each row's own.</param>
    public static PreparedPixels[] Make(int count, int side = 224, bool shared = false) =>
        [.. Enumerable.Range(0, count).Select(seed => Make1(1000 + seed, side, shared))];

    /// <summary>Writes the images' bytes, one image after the other, for programs in other languages.</summary>
    public static void Save(IEnumerable<PreparedPixels> images, string path)
    {
        using var file = File.Create(path);
        foreach (var image in images)
            file.Write(image.Rgb[..(3 * image.Width * image.Height)]);
    }

    private static PreparedPixels Make1(int seed, int side, bool shared)
    {
        var random = new Random(seed);
        var colours = new int[Tiles * Tiles * 3];
        for (var i = 0; i < colours.Length; i++)
            colours[i] = random.Next(256);
        var buffer = new PooledBuffer(3 * side * side);
        var pixels = buffer.Span;
        for (var i = 0; i < pixels.Length; i++)
        {
            var (x, y) = (i / 3 % side, i / 3 / side);
            var colour = colours[(((y * Tiles / side * Tiles) + (x * Tiles / side)) * 3) + (i % 3)];
            pixels[i] = (byte)Math.Clamp(colour + random.Next(-24, 25), 0, 255);
        }

        return new PreparedPixels(side, side, buffer, null) { IsMadeUp = !shared };
    }
}
