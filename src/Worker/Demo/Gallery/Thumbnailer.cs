using SkiaSharp;

namespace VlWorker.Demo.Gallery;

/// <summary>Makes the page's small pictures: WebP, upright, in sRGB, transparency kept.</summary>
internal static class Thumbnailer
{
    /// <summary>Pixels above which only one image is decoded at a time; one of 16 megapixels takes 64 MB.</summary>
    private const long LargePixels = 16_000_000;

    private const int Quality = 78;

    private static readonly Lock LargeGate = new();

    /// <summary>A thumbnail of at most <paramref name="side"/> pixels a side; small images are not enlarged.</summary>
    /// <returns>A WebP file; null if the image can't be decoded.</returns>
    public static byte[]? Make(ReadOnlySpan<byte> encoded, int side)
    {
        using var data = SKData.CreateCopy(encoded);
        using var codec = SKCodec.Create(data);
        if (codec is null || codec.Info.Width <= 0 || codec.Info.Height <= 0)
            return null;

        // JPEG and WebP can be decoded at a fraction of their size; twice the side leaves enough for a clean reduction.
        var scale = Math.Min(1f, 2f * side / Math.Max(codec.Info.Width, codec.Info.Height));
        var size = codec.GetScaledDimensions(scale);
        if ((long)size.Width * size.Height <= LargePixels)
            return Make(codec, size, side);
        lock (LargeGate)
            return Make(codec, size, side);
    }

    private static byte[]? Make(SKCodec codec, SKSizeI size, int side)
    {
        using var srgb = SKColorSpace.CreateSrgb();
        var alpha = codec.Info.AlphaType == SKAlphaType.Opaque ? SKAlphaType.Opaque : SKAlphaType.Premul;
        using var source = new SKBitmap();
        if (!source.TryAllocPixels(new SKImageInfo(size.Width, size.Height, SKColorType.Rgba8888, alpha, srgb)))
            return null;
        if (codec.GetPixels(source.Info, source.GetPixels()) is not (SKCodecResult.Success or SKCodecResult.IncompleteInput))
            return null;
        source.SetImmutable();
        return Encode(source, codec.EncodedOrigin, side);
    }

    private static byte[]? Encode(SKBitmap source, SKEncodedOrigin origin, int side)
    {
        var turned = origin >= SKEncodedOrigin.LeftTop;
        var (width, height) = turned ? (source.Height, source.Width) : (source.Width, source.Height);
        var scale = Math.Min(1f, (float)side / Math.Max(width, height));
        var target = new SKImageInfo(
            Math.Max(1, (int)MathF.Round(width * scale)),
            Math.Max(1, (int)MathF.Round(height * scale)),
            SKColorType.Rgba8888,
            source.Info.AlphaType,
            source.Info.ColorSpace);
        using var surface = SKSurface.Create(target);
        using var image = SKImage.FromBitmap(source);
        if (surface is null || image is null)
            return null;
        surface.Canvas.Clear(SKColors.Transparent);
        surface.Canvas.Scale((float)target.Width / width, (float)target.Height / height);
        surface.Canvas.Concat(Upright(origin, width, height));
        surface.Canvas.DrawImage(image, 0, 0, new SKSamplingOptions(SKFilterMode.Linear, SKMipmapMode.Linear));
        using var thumbnail = surface.Snapshot();
        using var encoded = thumbnail.Encode(SKEncodedImageFormat.Webp, Quality);
        return encoded?.ToArray();
    }

    /// <summary>Maps stored pixels to upright ones; width and height are those of the upright image.</summary>
    private static SKMatrix Upright(SKEncodedOrigin origin, float width, float height) => origin switch
    {
        SKEncodedOrigin.TopRight => new SKMatrix(-1, 0, width, 0, 1, 0, 0, 0, 1),
        SKEncodedOrigin.BottomRight => new SKMatrix(-1, 0, width, 0, -1, height, 0, 0, 1),
        SKEncodedOrigin.BottomLeft => new SKMatrix(1, 0, 0, 0, -1, height, 0, 0, 1),
        SKEncodedOrigin.LeftTop => new SKMatrix(0, 1, 0, 1, 0, 0, 0, 0, 1),
        SKEncodedOrigin.RightTop => new SKMatrix(0, -1, width, 1, 0, 0, 0, 0, 1),
        SKEncodedOrigin.RightBottom => new SKMatrix(0, -1, width, -1, 0, height, 0, 0, 1),
        SKEncodedOrigin.LeftBottom => new SKMatrix(0, 1, 0, -1, 0, height, 0, 0, 1),
        _ => SKMatrix.Identity,
    };
}
