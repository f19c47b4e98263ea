using VlWorker.Buffers;
using VlWorker.Decoding.Headers;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.Decoding.Resampling;

/// <summary>
/// Resizes one image for one plan while its rows come in, so that the image itself need not be held: bit for bit what Pillow's
/// Image.resize gives for the upright image, which is antialiased, one axis after the other, rounded to 8 bits between the two.
/// </summary>
/// <remarks>
/// Mirrored orientations only change the weights, which are then read backwards. In transposed ones a stored row is a column of the
/// upright image, so a pass along the upright image's rows goes across the stored rows. Hence the two ways are named after the stored rows:
/// <code>
/// along first    row -> pass along it -> short row, kept until the last row is in -> pass across the short rows -> line of the output
/// across first   row -> kept while it is needed -> pass across the rows kept -> one row -> pass along it        -> line of the output
/// </code>
/// A line of the output is a row of it, or a column where the orientation is transposed.
/// </remarks>
internal abstract unsafe class PlanResampler : IDisposable
{
    private readonly bool _transposed;
    private PooledBuffer? _output;

    protected PlanResampler(ResampleSetup setup)
    {
        (Geometry, _transposed) = (setup.Geometry, setup.Transposed);
        _output = new PooledBuffer(Geometry.Bytes + HorizontalPass.Slack);
        _output.Truncate(Geometry.Bytes);
    }

    /// <summary>The output's size.</summary>
    public ResizeGeometry Geometry { get; }

    /// <summary>Makes the resampler for an image of so many stored rows and columns.</summary>
    public static PlanResampler Create(
        ResizePlan plan, int storedWidth, int storedHeight, Orientation orientation, DecoderScratch scratch, KernelPath? path = null)
    {
        var setup = ResampleSetup.Of(plan, storedWidth, storedHeight, orientation, scratch);
        return setup.AlongFirst
            ? new AlongFirstResampler(setup, scratch, path ?? KernelPaths.Best)
            : new AcrossFirstResampler(setup, scratch, path ?? KernelPaths.Best);
    }

    /// <summary>Takes the next stored rows, in order from the top.</summary>
    /// <param name="rows">RGBX; <see cref="HorizontalPass.Slack"/> bytes beyond the last one must be readable.</param>
    /// <param name="stride">Bytes from one row to the next.</param>
    /// <param name="count">Rows.</param>
    public abstract void Accept(byte* rows, nint stride, int count);

    /// <summary>The output after the last row: RGB, three bytes a pixel. The caller owns it; called once.</summary>
    public PooledBuffer Finish()
    {
        Complete();
        var output = _output ?? throw new InvalidOperationException("The output was taken before.");
        _output = null;
        return output;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _output?.Dispose();
        _output = null;
        Release();
    }

    /// <summary>Does what is left after the last row.</summary>
    protected abstract void Complete();

    /// <summary>Gives the working memory back.</summary>
    protected abstract void Release();

    /// <summary>Puts a line of RGB pixels where it belongs in the output.</summary>
    /// <param name="line">The pixels, as many as a row or column has.</param>
    /// <param name="index">Which row or column.</param>
    protected void Place(byte* line, int index)
    {
        var output = _output!.Span;
        if (!_transposed)
        {
            new ReadOnlySpan<byte>(line, Geometry.Width * 3).CopyTo(output[(index * Geometry.Width * 3)..]);
            return;
        }

        var stride = Geometry.Width * 3;
        fixed (byte* start = output)
        {
            var target = start + (index * 3);
            for (var row = 0; row < Geometry.Height; row++, line += 3, target += stride)
            {
                target[0] = line[0];
                target[1] = line[1];
                target[2] = line[2];
            }
        }
    }
}
