using Microsoft.ML.OnnxRuntime.Tensors;
using VlWorker.Decoding;
using VlWorker.Inference.Engine;
using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Families.Cpu;
using VlWorker.ModelKit.Families.Florence2;

namespace VlWorker.Inference.Families.Florence2;

/// <summary>ModelKit's image tower of Florence-2 for the CPU: an image's bytes as they are in, its tokens out.</summary>
internal sealed class PixelEncoder : IFrameEncoder
{
    private static readonly string[] Inputs = [CpuDavit.Pixels];
    private static readonly string[] Outputs = [CpuLayout.Features];

    private readonly OnnxSession _session;

    /// <summary>Takes over a session.</summary>
    /// <exception cref="InvalidDataException">The graph is not of the layout known here, or takes images of another size.</exception>
    public PixelEncoder(OnnxSession session, ResizePlan images)
    {
        session.Expect(static name => Inputs.Contains(name));
        session.InputType(CpuDavit.Pixels, TensorElementType.UInt8);
        if (session.Outputs[session.FloatOutput(CpuLayout.Features)].Dimensions is not [_, > 0 and var tokens, > 0 and var width])
            throw new InvalidDataException($"{session.Name} does not say how many tokens an image becomes");
        if (session.Inputs[CpuDavit.Pixels].Dimensions is not [_, var rows, var columns, 3] || rows != images.Height || columns != images.Width)
            throw new InvalidDataException($"images are resized to {images.Width} x {images.Height} pixels, which {session.Name} does not take");
        (_session, TokensPerFrame, Width) = (session, tokens, width);
    }

    /// <inheritdoc/>
    public int TokensPerFrame { get; }

    /// <inheritdoc/>
    public int Width { get; }

    /// <inheritdoc/>
    public void Encode(PreparedPixels image, TensorBuffer pixels, TensorBuffer features, long offset, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        var (width, height) = (image.Width, image.Height);
        pixels.Reserve((long)width * height * 3);
        image.Frame(0).CopyTo(pixels.Span<byte>(0, width * height * 3));
        using var input = OnnxSession.Tensor(pixels, TensorElementType.UInt8, 1, height, width, 3);
        using var output = OnnxSession.TensorAt(features, offset * Width * sizeof(float), TensorElementType.Float, [1, TokensPerFrame, Width]);
        _session.Run(Inputs, [input], Outputs, [output]);
    }

    /// <inheritdoc/>
    public void Dispose() => _session.Dispose();
}
