using VlWorker.Buffers;
using VlWorker.Decoding;

namespace VlWorker.Inference.Optimizing;

/// <summary>Made-up images and texts, for comparing two forms of a model where no images are at hand.</summary>
internal static class VerificationRows
{
    private const int Images = 6;

    private static readonly string[] Texts = ["a photo", "two red circles on a blue background", "a dog that runs along a beach, seen from behind"];

    /// <summary>Makes the rows that a model takes, with its default parameters.</summary>
    public static SampleRows Of(IModel model) => new(model, Images, Draw, Texts);

    // Coloured discs and bars on plain or graded grounds: what every vision model tells apart.
    private static PreparedPixels Draw(int number, int width, int height)
    {
        var random = new Random(number + 1);
        var (ground, first, second) = (Color(random), Color(random), Color(random));
        var (centreX, centreY, radius) = (random.Next(width), random.Next(height), Math.Min(width, height) * (2 + random.Next(3)) / 10);
        var (left, bar) = (random.Next(width), Math.Max(1, width / 6));
        var graded = number % 2;
        var rgb = new PooledBuffer(width * height * 3);
        var pixels = rgb.Span;
        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < width; x++)
            {
                var (dx, dy) = (x - centreX, y - centreY);
                var color = (dx * dx) + (dy * dy) < radius * radius ? first : x >= left && x < left + bar ? second : ground;
                for (var channel = 0; channel < 3; channel++)
                    pixels[(((y * width) + x) * 3) + channel] = (byte)(color[channel] - (graded * color[channel] * y / (2 * height)));
            }
        }

        return new PreparedPixels(width, height, rgb, null);
    }

    private static byte[] Color(Random random)
    {
        var color = new byte[3];
        random.NextBytes(color);
        return color;
    }
}
