using VlWorker.Contracts;

namespace VlWorker.Inference.Families.Florence2;

/// <summary>Turns bins into pixels of the upright original, as Florence-2's processor does: the middle of a bin.</summary>
internal static class RegionPixels
{
    /// <summary>The regions of an image.</summary>
    public static IReadOnlyList<Detection> Of(IReadOnlyList<LocatedRegion> regions, ImageInput image)
    {
        var (width, height) = image.Original ?? (image.Pixels.Width, image.Pixels.Height);
        return [.. regions.Select(region => Of(region, width, height))];
    }

    /// <summary>A region of an image.</summary>
    /// <param name="region">The region.</param>
    /// <param name="width">Width of the image in pixels.</param>
    /// <param name="height">Height of the image in pixels.</param>
    public static Detection Of(LocatedRegion region, int width, int height)
    {
        IReadOnlyList<IReadOnlyList<double>> outlines =
            [.. region.Outlines.Select(bins => (IReadOnlyList<double>)[.. bins.Select((bin, i) => Pixel(bin, i % 2 == 0 ? width : height))])];
        var across = outlines.SelectMany(static outline => outline.Where(static (_, i) => i % 2 == 0)).ToList();
        var down = outlines.SelectMany(static outline => outline.Where(static (_, i) => i % 2 == 1)).ToList();
        return new Detection
        {
            Label = region.Label,
            Box = new Box { Left = across.Min(), Top = down.Min(), Right = across.Max(), Bottom = down.Max() },
            Polygons = region.Shape == RegionShape.Box ? null : outlines,
        };
    }

    private static double Pixel(int bin, int side) => (bin + 0.5) * side / RegionReader.Bins;
}
