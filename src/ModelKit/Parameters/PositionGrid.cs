using VlWorker.ModelKit.Configuration;

namespace VlWorker.ModelKit.Parameters;

/// <summary>Position embeddings for images of another size than the model was trained with, as DINOv2 makes them: bicubic interpolation.</summary>
internal static class PositionGrid
{
    // torch.nn.functional.interpolate's bicubic, without antialiasing.
    private const float Sharpness = -0.75f;

    /// <summary>The tower with positions for the images that a plan makes; itself where these are of its size.</summary>
    /// <param name="vision">The tower, with a class token.</param>
    /// <param name="images">How images are resized.</param>
    /// <exception cref="NotSupportedException">The plan makes images of no fixed size, or smaller than a patch.</exception>
    public static VisionParameters Fit(VisionParameters vision, ResizePlan images)
    {
        var (width, height) = (images.CropWidth ?? images.Width, images.CropHeight ?? images.Height);
        var (columns, rows) = (width / vision.PatchSize, height / vision.PatchSize);
        if (columns < 1 || rows < 1)
            throw new NotSupportedException($"images of {width} x {height} pixels have no patches of {vision.PatchSize}");
        if (width == vision.ImageWidth && height == vision.ImageHeight)
            return vision;
        var (from, size) = (vision.Positions, vision.HiddenSize);
        var (oldColumns, oldRows) = (vision.ImageWidth / vision.PatchSize, vision.ImageHeight / vision.PatchSize);
        var positions = new float[(1 + (rows * columns)) * size];
        from.Row(0).CopyTo(positions);
        var (across, down) = (Taps(oldColumns, columns), Taps(oldRows, rows));
        for (var y = 0; y < rows; y++)
        {
            for (var x = 0; x < columns; x++)
                Blend(from, oldColumns, down[y], across[x], positions.AsSpan((1 + (y * columns) + x) * size, size));
        }

        return vision with { ImageWidth = width, ImageHeight = height, Positions = new Matrix(1 + (rows * columns), size, positions) };
    }

    private static void Blend(Matrix from, int columns, (int Index, float Weight)[] down, (int Index, float Weight)[] across, Span<float> target)
    {
        foreach (var (row, rowWeight) in down)
        {
            foreach (var (column, columnWeight) in across)
            {
                var source = from.Row(1 + (row * columns) + column);
                for (var i = 0; i < target.Length; i++)
                    target[i] += rowWeight * columnWeight * source[i];
            }
        }
    }

    // For each place of the new axis the four of the old one that it is made of; those beyond the edge are the edge's.
    private static (int Index, float Weight)[][] Taps(int from, int to) =>
    [
        .. Enumerable.Range(0, to).Select(place =>
        {
            var at = ((place + 0.5f) * from / to) - 0.5f;
            var (first, rest) = ((int)MathF.Floor(at), at - MathF.Floor(at));
            return Enumerable.Range(-1, 4).Select(step => (Math.Clamp(first + step, 0, from - 1), Cubic(MathF.Abs(rest - step)))).ToArray();
        }),
    ];

    private static float Cubic(float distance) => distance <= 1
        ? ((((Sharpness + 2) * distance) - (Sharpness + 3)) * distance * distance) + 1
        : (((((Sharpness * distance) - (5 * Sharpness)) * distance) + (8 * Sharpness)) * distance) - (4 * Sharpness);
}
