using System.Runtime.Intrinsics;
using VlWorker.Buffers;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.Decoding.Resampling;

/// <summary>Makes the frames of an image that is cut into tiles, from what the first pass has left of it.</summary>
internal static unsafe class TileCutter
{
    // Four pixels: an index beyond the vector gives zero.
    private static Vector128<byte> Spread => Vector128.Create((byte)0, 1, 2, 255, 3, 4, 5, 255, 6, 7, 8, 255, 9, 10, 11, 255);

    // Few enough that the rows stay in the processor's cache.
    private const int BandRows = 16;

    /// <summary>The frames [tiles row by row, then the whole image] of side by side pixels. The caller owns them.</summary>
    /// <param name="image">The image after the first pass, RGB; disposed of here.</param>
    /// <param name="geometry">The geometry.</param>
    /// <param name="scratch">The thread's memory.</param>
    public static PooledBuffer Cut(PooledBuffer image, TileGeometry geometry, DecoderScratch scratch)
    {
        var sheet = image;
        if (!geometry.IsSheet)
        {
            using var first = image;
            sheet = Resize(first, geometry.Width, geometry.Height, geometry.SheetWidth, geometry.SheetHeight, geometry.Resample, scratch);
        }

        if (!geometry.IsCut)
            return sheet;
        using var whole = sheet;
        using var small = Resize(whole, geometry.SheetWidth, geometry.SheetHeight, geometry.Side, geometry.Side, geometry.Resample, scratch);
        var frames = new PooledBuffer(geometry.Bytes);
        var line = geometry.Side * 3;
        var target = frames.Span;
        for (var tile = 0; tile < geometry.Rows * geometry.Columns; tile++)
        {
            var (top, left) = (tile / geometry.Columns * geometry.Side, tile % geometry.Columns * line);
            for (var y = 0; y < geometry.Side; y++, target = target[line..])
                whole.Span.Slice(((top + y) * geometry.SheetWidth * 3) + left, line).CopyTo(target);
        }

        small.Span.CopyTo(target);
        return frames;
    }

    /// <summary>Working memory of one resize, beside its input and output.</summary>
    public static long WorkingBytes(int width, int height, int newWidth, int newHeight, int resample) =>
        BandBytes(width) + ResampleSetup.WorkingBytes(TileGeometry.Whole(newWidth, newHeight, resample), width, height, transposed: false);

    private static long BandBytes(int width) => (BandRows * 4L * width) + HorizontalPass.Slack;

    private static PooledBuffer Resize(PooledBuffer image, int width, int height, int newWidth, int newHeight, int resample, DecoderScratch scratch)
    {
        var plan = TileGeometry.Whole(newWidth, newHeight, resample);
        using var resampler = PlanResampler.Create(plan, width, height, default, scratch);
        var band = scratch.Rent(BandBytes(width));
        try
        {
            for (var row = 0; row < height; row += BandRows)
            {
                var rows = Math.Min(BandRows, height - row);
                Widen(image.Span.Slice(row * width * 3, rows * width * 3), band.Pointer);
                resampler.Accept(band.Pointer, width * 4, rows);
            }

            return resampler.Finish();
        }
        finally
        {
            scratch.Return(band);
        }
    }

    // RGB to RGBX, which is what resamplers take.
    private static void Widen(ReadOnlySpan<byte> rgb, byte* target)
    {
        fixed (byte* start = rgb)
        {
            var source = start;
            var end = start + rgb.Length;
            for (; source + Vector128<byte>.Count <= end; source += 12, target += 16)
                Vector128.Shuffle(Vector128.Load(source), Spread).Store(target);
            for (; source < end; source += 3, target += 4)
                (target[0], target[1], target[2], target[3]) = (source[0], source[1], source[2], 0);
        }
    }
}
