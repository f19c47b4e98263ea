using VlWorker.Decoding.Headers;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.Decoding.Resampling;

/// <summary>How one image is resampled for one plan.</summary>
/// <param name="Geometry">The output, in the upright image's sense.</param>
/// <param name="Along">Weights along stored rows.</param>
/// <param name="Across">Weights across stored rows.</param>
/// <param name="Transposed">Stored rows are columns of the output.</param>
/// <param name="AcrossMirrored">The first stored row belongs to the last line of the output.</param>
/// <param name="AlongFirst">The pass along stored rows comes first.</param>
internal sealed record ResampleSetup(
    ResizeGeometry Geometry, ResampleTable Along, ResampleTable Across, bool Transposed, bool AcrossMirrored, bool AlongFirst)
{
    public static ResampleSetup Of(ResizePlan plan, int storedWidth, int storedHeight, Orientation orientation, DecoderScratch scratch)
    {
        var (width, height) = orientation.Transpose ? (storedHeight, storedWidth) : (storedWidth, storedHeight);
        var geometry = ResizeGeometry.Of(plan, width, height);
        var filter = (ResampleFilter)plan.Resample;
        var columns = scratch.Table(width, geometry.ResizedWidth, geometry.Left, geometry.Width, filter, orientation.MirrorX);
        var rows = scratch.Table(height, geometry.ResizedHeight, geometry.Top, geometry.Height, filter, orientation.MirrorY);
        var verticalFirst = VerticalFirst(geometry, width, height);
        return orientation.Transpose
            ? new ResampleSetup(geometry, rows, columns, true, orientation.MirrorX, verticalFirst)
            : new ResampleSetup(geometry, columns, rows, false, orientation.MirrorY, !verticalFirst);
    }

    /// <summary>Working memory of the resampler, from above, before any table is made.</summary>
    public static long WorkingBytes(ResizePlan plan, int storedWidth, int storedHeight, bool transposed)
    {
        var (width, height) = transposed ? (storedHeight, storedWidth) : (storedWidth, storedHeight);
        var geometry = ResizeGeometry.Of(plan, width, height);
        var (alongOutputs, resizedAcross) = transposed ? (geometry.Height, geometry.ResizedWidth) : (geometry.Width, geometry.ResizedHeight);
        var support = ((ResampleFilter)plan.Resample).Support() * Math.Max(1, (double)storedHeight / resizedAcross);
        var taps = Math.Min(storedHeight, ((int)Math.Ceiling(support) * 2) + 1);
        return transposed == VerticalFirst(geometry, width, height)
            ? AlongFirstResampler.MemoryBytes(storedHeight, taps, alongOutputs)
            : AcrossFirstResampler.MemoryBytes(storedWidth, taps, alongOutputs);
    }

    // Pillow resamples along rows first, and since version 13 along columns first where that takes much more away: of an image that gets
    // lower, if it loses more than twice as many rows as columns. The rounding in between makes the two orders differ by 1 here and there.
    private static bool VerticalFirst(ResizeGeometry geometry, int width, int height) =>
        geometry.ResizedHeight < height && height - geometry.ResizedHeight > 2L * (width - geometry.ResizedWidth);
}
