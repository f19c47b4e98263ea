using VlWorker.Buffers;
using VlWorker.Contracts;
using VlWorker.Decoding;
using VlWorker.Inference;

namespace VlWorker.Worker.Tests.Inference;

/// <summary>A grey square of any size.</summary>
internal sealed class PreparedRow : IDisposable
{
    private readonly PreparedPixels _pixels;

    public PreparedRow(int side)
    {
        var rgb = new PooledBuffer(side * side * 3);
        rgb.Span.Fill(128);
        _pixels = new PreparedPixels(side, side, rgb, null);
    }

    public ImageInput Input(GenerationParameters parameters) => new(Tasks.Caption, _pixels, parameters);

    public void Dispose() => _pixels.Dispose();
}
