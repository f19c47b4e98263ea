using VlWorker.Buffers;

namespace VlWorker.Decoding;

/// <summary>One image, decoded once and prepared for every model that will see it.</summary>
/// <param name="Width">Pixels, after the EXIF orientation is applied.</param>
/// <param name="Height">Pixels, after the EXIF orientation is applied.</param>
/// <param name="Format"><c>jpeg</c>, <c>png</c>, <c>webp</c>, <c>gif</c> or <c>bmp</c>.</param>
/// <param name="Prepared">One entry a preparation asked for, in that order; each has its own owner from here on.</param>
internal sealed record DecodedImage(int Width, int Height, string Format, IReadOnlyList<PreparedPixels> Prepared);

/// <summary>8-bit RGB pixels [height, width, 3] at a model's input size, and the budget they are charged to. Its one owner disposes of it.</summary>
internal sealed class PreparedPixels(int width, int height, PooledBuffer pixels, MemoryBudget.Lease? lease) : IDisposable
{
    /// <summary>Pixels a row.</summary>
    public int Width { get; } = width;

    /// <summary>Rows.</summary>
    public int Height { get; } = height;

    /// <summary>Row by row, three bytes a pixel, no padding.</summary>
    public ReadOnlySpan<byte> Rgb => pixels.Span;

    /// <inheritdoc/>
    public void Dispose()
    {
        pixels.Dispose();
        lease?.Dispose();
    }
}
