using SkiaSharp;
using VlWorker.Demo.Gallery;

namespace VlWorker.Worker.Tests.Demo.Gallery;

public sealed class ThumbnailerTests
{
    private static readonly SKColor[] Corners = [SKColors.Red, SKColors.Lime, SKColors.Blue, SKColors.Yellow];

    /// <summary>Where the stored corners (top left, top right, bottom left, bottom right) are seen, for each EXIF orientation.</summary>
    public static TheoryData<int, int[]> Orientations => new()
    {
        { 1, [0, 1, 2, 3] }, { 2, [1, 0, 3, 2] }, { 3, [3, 2, 1, 0] }, { 4, [2, 3, 0, 1] },
        { 5, [0, 2, 1, 3] }, { 6, [2, 0, 3, 1] }, { 7, [3, 1, 2, 0] }, { 8, [1, 3, 0, 2] },
    };

    [Theory]
    [MemberData(nameof(Orientations))]
    public void The_picture_is_upright(int orientation, int[] corners)
    {
        using var thumbnail = Decode(Thumbnailer.Make(WithOrientation(Jpeg(400, 240), orientation), 100));

        Assert.Equal(orientation >= 5 ? (60, 100) : (100, 60), (thumbnail.Width, thumbnail.Height));
        Assert.Equal(corners.Select(i => Corners[i]), SeenCorners(thumbnail).Select(Nearest));
    }

    [Theory]
    [InlineData(4000, 1000, 320, 80)]
    [InlineData(100, 50, 100, 50)]
    [InlineData(1, 1, 1, 1)]
    [InlineData(2, 3000, 1, 320)]
    public void The_longest_side_is_bounded_and_nothing_is_enlarged(int width, int height, int expectedWidth, int expectedHeight)
    {
        using var thumbnail = Decode(Thumbnailer.Make(Picture(width, height).Encode(SKEncodedImageFormat.Png, 100).ToArray(), 320));

        Assert.Equal((expectedWidth, expectedHeight), (thumbnail.Width, thumbnail.Height));
    }

    [Fact]
    public void Transparency_stays()
    {
        using var bitmap = new SKBitmap(new SKImageInfo(64, 64, SKColorType.Rgba8888, SKAlphaType.Unpremul));
        bitmap.Erase(new SKColor(255, 0, 0, 0));

        using var thumbnail = Decode(Thumbnailer.Make(bitmap.Encode(SKEncodedImageFormat.Png, 100).ToArray(), 32));

        Assert.Equal(0, thumbnail.GetPixel(16, 16).Alpha);
    }

    [Fact]
    public void Bytes_that_are_no_image_give_none()
    {
        Assert.Null(Thumbnailer.Make("not an image"u8, 320));
        Assert.Null(Thumbnailer.Make([], 320));
    }

    private static SKBitmap Picture(int width, int height)
    {
        var bitmap = new SKBitmap(new SKImageInfo(width, height, SKColorType.Rgba8888, SKAlphaType.Opaque));
        using var canvas = new SKCanvas(bitmap);
        for (var i = 0; i < 4; i++)
        {
            using var paint = new SKPaint { Color = Corners[i] };
            canvas.DrawRect(i % 2 * width / 2, i / 2 * height / 2, (width + 1) / 2, (height + 1) / 2, paint);
        }

        return bitmap;
    }

    private static byte[] Jpeg(int width, int height)
    {
        using var bitmap = Picture(width, height);
        return bitmap.Encode(SKEncodedImageFormat.Jpeg, 95).ToArray();
    }

    /// <summary>Puts an EXIF segment with nothing but the orientation behind the start marker.</summary>
    private static byte[] WithOrientation(byte[] jpeg, int orientation)
    {
        byte[] tiff = [.. "MM\0*"u8, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, (byte)orientation, 0, 0, 0, 0, 0, 0];
        byte[] exif = [.. "Exif\0\0"u8, .. tiff];
        return [0xFF, 0xD8, 0xFF, 0xE1, 0, (byte)(exif.Length + 2), .. exif, .. jpeg.AsSpan(2)];
    }

    private static SKBitmap Decode(byte[]? thumbnail) => SKBitmap.Decode(Assert.IsType<byte[]>(thumbnail));

    private static IEnumerable<SKColor> SeenCorners(SKBitmap bitmap)
    {
        foreach (var (x, y) in new[] { (0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75) })
            yield return bitmap.GetPixel((int)(bitmap.Width * x), (int)(bitmap.Height * y));
    }

    private static SKColor Nearest(SKColor seen) => Corners.MinBy(
        corner => Math.Abs(corner.Red - seen.Red) + Math.Abs(corner.Green - seen.Green) + Math.Abs(corner.Blue - seen.Blue));
}
