using VlWorker.Decoding;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.Inference.Engine;

/// <summary>ModelKit's image tower for the CPU, a frame at a time.</summary>
internal sealed class PatchFrameEncoder : IFrameEncoder
{
    private readonly PatchEncoder _encoder;

    /// <summary>Takes over an encoder.</summary>
    /// <exception cref="InvalidDataException">Its graph takes frames of another size, or gives no features.</exception>
    public PatchFrameEncoder(PatchEncoder encoder, ResizePlan plan)
    {
        encoder.Check(plan);
        (TokensPerFrame, Width) = encoder.ShapeOf(0) is [var tokens, var width]
            ? ((int)tokens, (int)width)
            : throw new InvalidDataException("the image tower gives no list of features");
        _encoder = encoder;
    }

    /// <inheritdoc/>
    public int TokensPerFrame { get; }

    /// <inheritdoc/>
    public int Width { get; }

    /// <inheritdoc/>
    public void Encode(PreparedPixels image, TensorBuffer pixels, TensorBuffer features, long offset, CancellationToken cancellation)
    {
        for (var frame = 0; frame < image.Frames; frame++)
        {
            cancellation.ThrowIfCancellationRequested();
            _encoder.Encode(image, frame, pixels, [features], (offset / TokensPerFrame) + frame);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _encoder.Dispose();
}
