using VlWorker.Decoding.Headers;

namespace VlWorker.Decoding.Formats;

/// <summary>Takes the next rows of an image, RGBX, from the top; they are gone when it returns.</summary>
/// <param name="rows">The first row; <see cref="Slack"/> bytes beyond the last one are readable.</param>
/// <param name="stride">Bytes from one row to the next.</param>
/// <param name="count">Rows.</param>
internal unsafe delegate void RowSink(byte* rows, nint stride, int count);

/// <summary>What all formats have in common: bands of rows, as many as stay in the processor's cache until they are resampled.</summary>
internal static class RowReader
{
    /// <summary>Readable bytes after the last row handed on.</summary>
    public const int Slack = Resampling.HorizontalPass.Slack;

    private const int BandBytes = 256 << 10;

    // libjpeg decodes up to 16 rows at once.
    private const int LeastBandRows = 16;

    /// <summary>Rows of a band.</summary>
    public static int BandRows(int width, int height) =>
        Math.Min(height, Math.Max(LeastBandRows, BandBytes / (width * 4) / LeastBandRows * LeastBandRows));

    /// <summary>Memory of a band.</summary>
    public static long BandMemory(int width, int height) => ((long)width * 4 * BandRows(width, height)) + Slack;

    /// <summary>Hands a whole image's rows to <paramref name="sink"/>.</summary>
    /// <param name="encoded">The image's bytes.</param>
    /// <param name="header">Its header.</param>
    /// <param name="turbo">Whether to try <see cref="TurboJpeg"/> first.</param>
    /// <param name="scratch">The thread's memory.</param>
    /// <param name="sink">Takes the rows.</param>
    /// <param name="cancellation">Looked at before each band.</param>
    public static void Read(
        ReadOnlyMemory<byte> encoded, ImageHeader header, bool turbo, DecoderScratch scratch, RowSink sink, CancellationToken cancellation)
    {
        if (turbo && TurboJpeg.TryRead(encoded, header, scratch, sink))
            return;
        switch (header.Format)
        {
            case ImageFormat.Jpeg:
                SkiaReader.ReadBands(encoded, header, scratch, sink, cancellation);
                break;
            case ImageFormat.Png:
                PngReader.Read(encoded, header, scratch, sink, cancellation);
                break;
            case ImageFormat.Gif:
                GifReader.Read(encoded, header, scratch, sink, cancellation);
                break;
            default:
                SkiaReader.ReadFrame(encoded, header, scratch, sink);
                break;
        }
    }
}
