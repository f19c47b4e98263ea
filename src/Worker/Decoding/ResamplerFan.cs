using VlWorker.Buffers;
using VlWorker.Decoding.Headers;
using VlWorker.Decoding.Resampling;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.Decoding;

/// <summary>Hands the rows of one decode to a resampler for each distinct plan.</summary>
internal sealed class ResamplerFan : IDisposable
{
    private readonly IReadOnlyList<ResizePlan> _plans;
    private readonly PlanResampler?[] _resamplers;
    private readonly TileGeometry?[] _tiles;
    private readonly DecoderScratch _scratch;

    public ResamplerFan(ImageHeader header, IReadOnlyList<ResizePlan> plans, DecoderScratch scratch)
    {
        ArgumentOutOfRangeException.ThrowIfZero(plans.Count, nameof(plans));
        (_plans, _scratch) = (plans, scratch);
        _resamplers = new PlanResampler?[plans.Count];
        _tiles = [.. plans.Select(plan => TileGeometry.Of(plan, header.Upright.Width, header.Upright.Height))];
        for (var i = 0; i < plans.Count; i++)
        {
            if (DecodingCost.FirstEqual(plans, i) == i)
                _resamplers[i] = PlanResampler.Create(_tiles[i]?.FirstPass ?? plans[i], header.Width, header.Height, header.Orientation, scratch);
        }
    }

    /// <summary>Takes the next stored rows.</summary>
    public unsafe void Sink(byte* rows, nint stride, int count)
    {
        foreach (var resampler in _resamplers)
            resampler?.Accept(rows, stride, count);
    }

    /// <summary>The pixels for each plan, in order, after the last row. The caller owns them.</summary>
    public IEnumerable<(FrameLayout Layout, PooledBuffer Pixels)> Finish()
    {
        var finished = new List<(FrameLayout Layout, PooledBuffer Pixels)>(_plans.Count);
        for (var i = 0; i < _plans.Count; i++)
        {
            if (_resamplers[i] is { } resampler)
            {
                finished.Add(Finish(resampler, _tiles[i]));
                continue;
            }

            var (layout, pixels) = finished[DecodingCost.FirstEqual(_plans, i)];
            var copy = new PooledBuffer(pixels.Length);
            pixels.Span.CopyTo(copy.Span);
            finished.Add((layout, copy));
        }

        return finished;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var resampler in _resamplers)
            resampler?.Dispose();
    }

    private (FrameLayout Layout, PooledBuffer Pixels) Finish(PlanResampler resampler, TileGeometry? tiles)
    {
        var pixels = resampler.Finish();
        return tiles is { } geometry
            ? (new FrameLayout(geometry.Side, geometry.Side, geometry.Rows, geometry.Columns), TileCutter.Cut(pixels, geometry, _scratch))
            : (new FrameLayout(resampler.Geometry.Width, resampler.Geometry.Height, 0, 0), pixels);
    }
}

/// <summary>The shape of prepared pixels, as <see cref="PreparedPixels"/> tells it.</summary>
internal readonly record struct FrameLayout(int Width, int Height, int TileRows, int TileColumns);
