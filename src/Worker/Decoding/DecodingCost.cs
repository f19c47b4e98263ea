using VlWorker.Decoding.Formats;
using VlWorker.Decoding.Headers;
using VlWorker.Decoding.Resampling;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.Decoding;

/// <summary>Memory that an image will take, known from its header.</summary>
/// <param name="Working">Bytes while it is decoded.</param>
/// <param name="Prepared">Bytes of the prepared pixels, which stay until their owners dispose of them.</param>
internal readonly record struct DecodingCost(long Working, long Prepared)
{
    /// <summary>The cost of an image.</summary>
    /// <param name="header">Its header.</param>
    /// <param name="plans">What it is prepared for.</param>
    /// <param name="wholeFrame">Whether it may be decoded as a whole instead of in bands.</param>
    public static DecodingCost Of(ImageHeader header, IReadOnlyList<ResizePlan> plans, bool wholeFrame = false)
    {
        var working = header.DecoderBytes + RowReader.BandMemory(header.Width, header.Height) + (wholeFrame ? TurboJpeg.FrameBytes(header) : 0);
        var prepared = 0L;
        for (var i = 0; i < plans.Count; i++)
        {
            var tiles = TileGeometry.Of(plans[i], header.Upright.Width, header.Upright.Height);
            var first = tiles?.FirstPass ?? plans[i];
            prepared += tiles?.Bytes ?? ResizeGeometry.Of(first, header.Upright.Width, header.Upright.Height).Bytes;
            if (FirstEqual(plans, i) == i)
                working += ResampleSetup.WorkingBytes(first, header.Width, header.Height, header.Orientation.Transpose) + (tiles?.WorkingBytes ?? 0);
        }

        return new DecodingCost(working, prepared);
    }

    /// <summary>Bytes of prepared pixels that a plan makes of any image, at most. Plans that keep an image's aspect are taken for square.</summary>
    public static long MostPrepared(ResizePlan plan)
    {
        if (plan.Grid is { } grid)
            return 3L * grid.MaxPatches * grid.PatchSize * grid.PatchSize;
        var side = plan.Tiling is { Split: true } tiling ? (tiling.LongestEdge + plan.Width - 1) / plan.Width : 0;
        return ((long)side * side + 1) * 3 * plan.Width * plan.Height;
    }

    /// <summary>The index of the first plan that is equal to plan <paramref name="i"/>.</summary>
    public static int FirstEqual(IReadOnlyList<ResizePlan> plans, int i)
    {
        for (var earlier = 0; earlier < i; earlier++)
        {
            if (plans[earlier] == plans[i])
                return earlier;
        }

        return i;
    }
}
