using VlWorker.ModelKit.Configuration;

namespace VlWorker.Decoding.Resampling;

/// <summary>A plan applied to one image size: the whole resized image, and the part of it that is kept.</summary>
/// <param name="ResizedWidth">Pixels a row of the resized image.</param>
/// <param name="ResizedHeight">Rows of the resized image.</param>
/// <param name="Left">First column kept.</param>
/// <param name="Top">First row kept.</param>
/// <param name="Width">Columns kept.</param>
/// <param name="Height">Rows kept.</param>
internal readonly record struct ResizeGeometry(int ResizedWidth, int ResizedHeight, int Left, int Top, int Width, int Height)
{
    /// <summary>Bytes of the kept part, three a pixel.</summary>
    public int Bytes => checked(Width * Height * 3);

    /// <summary>Follows transformers: the long side is int(n * long / short), the crop starts at (size - crop) // 2.</summary>
    public static ResizeGeometry Of(ResizePlan plan, int width, int height)
    {
        var (resizedWidth, resizedHeight) = plan.Grid is { } grid ? Fit(grid, width, height) : (plan.Width, plan.Height);
        if (plan.ShortestEdge is { } shortest)
        {
            // Python divides the exact product as a double and cuts off.
            var (shorter, longer) = (Math.Min(width, height), Math.Max(width, height));
            var scaled = (int)((double)((long)shortest * longer) / shorter);
            (resizedWidth, resizedHeight) = width <= height ? (shortest, scaled) : (scaled, shortest);
        }

        var (cropWidth, cropHeight) = (plan.CropWidth ?? resizedWidth, plan.CropHeight ?? resizedHeight);
        if (cropWidth > resizedWidth || cropHeight > resizedHeight)
            throw new ArgumentException($"The plan's crop is larger than the resized image ({resizedWidth} x {resizedHeight}).", nameof(plan));
        return new ResizeGeometry(
            resizedWidth, resizedHeight, (resizedWidth - cropWidth) / 2, (resizedHeight - cropHeight) / 2, cropWidth, cropHeight);
    }

    // The largest scale that leaves no more patches than allowed, as near as transformers' bisection comes to it and by the same steps: where it
    // stops decides for some images.
    private static (int Width, int Height) Fit(PatchGrid grid, int width, int height)
    {
        const double Precision = 1e-5;
        var (low, high) = (Precision / 10, 100.0);
        while (high - low >= Precision)
        {
            var scale = (low + high) / 2;
            if (Patches(width, scale) * Patches(height, scale) <= grid.MaxPatches)
                low = scale;
            else
                high = scale;
        }

        return ((int)Patches(width, low) * grid.PatchSize, (int)Patches(height, low) * grid.PatchSize);

        double Patches(int length, double scale) => Math.Max(1, Math.Ceiling(length * scale / grid.PatchSize));
    }
}
