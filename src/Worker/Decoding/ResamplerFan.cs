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

    public ResamplerFan(ImageHeader header, IReadOnlyList<ResizePlan> plans, DecoderScratch scratch)
    {
        ArgumentOutOfRangeException.ThrowIfZero(plans.Count, nameof(plans));
        _plans = plans;
        _resamplers = new PlanResampler?[plans.Count];
        for (var i = 0; i < plans.Count; i++)
        {
            if (DecodingCost.FirstEqual(plans, i) == i)
                _resamplers[i] = PlanResampler.Create(plans[i], header.Width, header.Height, header.Orientation, scratch);
        }
    }

    /// <summary>Takes the next stored rows.</summary>
    public unsafe void Sink(byte* rows, nint stride, int count)
    {
        foreach (var resampler in _resamplers)
            resampler?.Accept(rows, stride, count);
    }

    /// <summary>The pixels for each plan, in order, after the last row. The caller owns them.</summary>
    public IEnumerable<(ResizeGeometry Geometry, PooledBuffer Pixels)> Finish()
    {
        var finished = new List<(ResizeGeometry Geometry, PooledBuffer Pixels)>(_plans.Count);
        for (var i = 0; i < _plans.Count; i++)
        {
            if (_resamplers[i] is { } resampler)
            {
                finished.Add((resampler.Geometry, resampler.Finish()));
                continue;
            }

            var (geometry, pixels) = finished[DecodingCost.FirstEqual(_plans, i)];
            var copy = new PooledBuffer(pixels.Length);
            pixels.Span.CopyTo(copy.Span);
            finished.Add((geometry, copy));
        }

        return finished;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var resampler in _resamplers)
            resampler?.Dispose();
    }
}
