using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using VlWorker.Decoding;
using VlWorker.Inference.Engine;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.Inference.Families.Idefics3;

/// <summary>The graph <c>vision_encoder</c>: frames in, features in the decoder's width out.</summary>
/// <remarks>
/// It takes the frames of several images with their own numbers of tiles, padded by frames of zeros, which it drops again. Here frames go in
/// one by one, as fast on a processor, and so there is no padding.
/// </remarks>
internal sealed class FrameEncoder : IFrameEncoder
{
    private const string Pixels = "pixel_values";
    private const string Mask = "pixel_attention_mask";
    private const string Features = "image_features";

    private readonly OnnxSession _session;
    private readonly PixelWriter _writer;
    private readonly int _side;
    private readonly string[] _inputs;
    private readonly TensorBuffer _mask = new();

    /// <summary>Takes over a session.</summary>
    /// <param name="session">The graph.</param>
    /// <param name="images">How images are resized and normalised.</param>
    /// <exception cref="InvalidDataException">The graph is not of the layout known here, or does not fit the images.</exception>
    public FrameEncoder(OnnxSession session, PreprocessorConfig images)
    {
        session.Expect(static name => name is Pixels or Mask);
        session.InputType(Pixels, TensorElementType.Float);
        session.FloatOutput(Features);
        if (session.Outputs[Features].Dimensions is not [_, > 0 and var tokens, > 0 and var width])
            throw new InvalidDataException($"{session.Name} does not say how many features of which width it gives");
        _writer = new PixelWriter(images.Normalization);
        if (_writer.WritesZeros)
            throw new InvalidDataException("image_mean is a whole number of bytes: the graph would take tiles of that one colour for padding and drop them");
        (_session, _side, TokensPerFrame, Width) = (session, images.Resize.Width, tokens, width);
        _inputs = session.Inputs.ContainsKey(Mask) ? [Pixels, Mask] : [Pixels];
        _mask.Reserve(_side * _side);
        _mask.Span<bool>(0, _side * _side).Fill(true);
    }

    /// <inheritdoc/>
    public int TokensPerFrame { get; }

    /// <inheritdoc/>
    public int Width { get; }

    /// <inheritdoc/>
    public void Encode(PreparedPixels image, TensorBuffer pixels, TensorBuffer features, long offset, CancellationToken cancellation)
    {
        var values = 3 * _side * _side;
        pixels.Reserve((long)sizeof(float) * values);
        using var input = OnnxSession.Tensor(pixels, TensorElementType.Float, 1, 1, 3, _side, _side);
        using var mask = OnnxSession.Tensor(_mask, TensorElementType.Bool, 1, 1, _side, _side);
        for (var frame = 0; frame < image.Frames; frame++)
        {
            cancellation.ThrowIfCancellationRequested();
            _writer.Write(image.Frame(frame), pixels.Span<float>(0, values));
            var place = (offset + ((long)frame * TokensPerFrame)) * Width * sizeof(float);
            using var output = OnnxSession.TensorAt(features, place, TensorElementType.Float, [1, TokensPerFrame, Width]);
            _session.Run(_inputs, _inputs.Length == 1 ? [input] : [input, mask], [Features], [output]);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _session.Dispose();
        _mask.Dispose();
    }
}
