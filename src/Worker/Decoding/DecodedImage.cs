using VlWorker.Buffers;

namespace VlWorker.Decoding;

/// <summary>One image, decoded once and prepared for every model that will see it.</summary>
/// <param name="Width">Pixels, after the EXIF orientation is applied.</param>
/// <param name="Height">Pixels, after the EXIF orientation is applied.</param>
/// <param name="Format"><c>jpeg</c>, <c>png</c>, <c>webp</c>, <c>gif</c> or <c>bmp</c>.</param>
/// <param name="Prepared">One entry a preparation asked for, in that order; each has its own owner from here on.</param>
internal sealed record DecodedImage(int Width, int Height, string Format, IReadOnlyList<PreparedPixels> Prepared);

/// <summary>
/// 8-bit RGB pixels [frames, height, width, 3] at a model's input size, and the budget they are charged to. Its one owner disposes of it.
/// </summary>
/// <remarks>Most models see one frame. Where an image is cut into tiles, they come row by row, and the whole image is the last frame.</remarks>
internal sealed class PreparedPixels(int width, int height, PooledBuffer pixels, MemoryBudget.Lease? lease, int tileRows = 0, int tileColumns = 0) : IDisposable
{
    /// <summary>Pixels a row of a frame.</summary>
    public int Width { get; } = width;

    /// <summary>Rows of a frame.</summary>
    public int Height { get; } = height;

    /// <summary>Rows of tiles; 0 where the image was not cut.</summary>
    public int TileRows { get; } = tileRows;

    /// <summary>Columns of tiles; 0 where the image was not cut.</summary>
    public int TileColumns { get; } = tileColumns;

    /// <summary>The tiles, and the whole image.</summary>
    public int Frames => (TileRows * TileColumns) + 1;

    /// <summary>Made up to measure with, as one image for many rows: it is never taken for the same as another, nor as itself.</summary>
    public bool IsMadeUp { get; init; }

    /// <summary>Frame by frame, row by row, three bytes a pixel, no padding.</summary>
    public ReadOnlySpan<byte> Rgb => pixels.Span;

    /// <summary>Charges the pixels to another grant, and gives the first one back.</summary>
    public void Recharge(MemoryBudget.Lease other)
    {
        lease?.Dispose();
        lease = other;
    }

    /// <summary>One frame; the last one shows the whole image.</summary>
    public ReadOnlySpan<byte> Frame(int index) => pixels.Span.Slice(index * Width * Height * 3, Width * Height * 3);

    /// <inheritdoc/>
    public void Dispose()
    {
        pixels.Dispose();
        lease?.Dispose();
    }
}
