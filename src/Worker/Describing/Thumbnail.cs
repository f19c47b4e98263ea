using SkiaSharp;
using VlWorker.Decoding;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.Describing;

/// <summary>A small picture of an image, made of the pixels that were prepared for a model: nothing is decoded again.</summary>
internal static class Thumbnail
{
    /// <summary>The longer side, in pixels.</summary>
    private const int Side = 160;

    private const int Quality = 72;

    /// <summary>A WebP file. Where the model sees a centre crop, so does the thumbnail.</summary>
    /// <param name="image">The image, its pixels not given away yet.</param>
    /// <param name="plan">How its first prepared pixels were made.</param>
    public static byte[]? Of(DecodedImage image, ResizePlan plan)
    {
        var pixels = image.Prepared[0];
        // What was squashed to the model's shape gets its own back.
        var (width, height) = plan.ShortestEdge is null && plan.CropWidth is null ? (image.Width, image.Height) : (pixels.Width, pixels.Height);
        var scale = Math.Min(1d, (double)Side / Math.Max(width, height));
        var target = new SKImageInfo(
            Math.Max(1, (int)Math.Round(width * scale)), Math.Max(1, (int)Math.Round(height * scale)), SKColorType.Rgba8888, SKAlphaType.Opaque);
        using var source = Expand(pixels);
        using var small = source.Resize(target, new SKSamplingOptions(SKFilterMode.Linear, SKMipmapMode.Linear));
        using var encoded = small?.Encode(SKEncodedImageFormat.Webp, Quality);
        return encoded?.ToArray();
    }

    private static SKBitmap Expand(PreparedPixels pixels)
    {
        var bitmap = new SKBitmap(new SKImageInfo(pixels.Width, pixels.Height, SKColorType.Rgba8888, SKAlphaType.Opaque));
        var from = pixels.Frame(pixels.Frames - 1);
        var to = bitmap.GetPixelSpan();
        for (var (i, j) = (0, 0); i < from.Length; i += 3, j += 4)
            (to[j], to[j + 1], to[j + 2], to[j + 3]) = (from[i], from[i + 1], from[i + 2], 255);
        return bitmap;
    }
}
