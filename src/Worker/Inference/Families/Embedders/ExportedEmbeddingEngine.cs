using VlWorker.Decoding;
using VlWorker.Inference.Engine;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.Inference.Families.Clip;

/// <summary>The towers as they were exported.</summary>
internal sealed class ExportedEmbeddingEngine : EmbeddingEngine
{
    // Measured: an image at a time keeps the encoder's activations in the processor's cache.
    private const int EncoderChunk = 1;

    private readonly ImageEncoder _vision;

    private ExportedEmbeddingEngine(ImageEncoder vision, TextEncoder text)
        : base(vision, text, int.MaxValue) => _vision = vision;

    /// <summary>Loads the graphs of a folder.</summary>
    /// <exception cref="InvalidDataException">They are not of a layout known here.</exception>
    public static ExportedEmbeddingEngine Load(ModelFolder folder, PreprocessorConfig images, ModelOptions options)
    {
        using var loaded = new LoadedGraphs(folder, options);
        var vision = new ImageEncoder(loaded.Load(ModelFamily.Graphs.Vision), images, EncoderChunk, "image_embeds");
        var text = new TextEncoder(loaded.Load(ModelFamily.Graphs.Text), "text_embeds");
        loaded.HandOver();
        return new ExportedEmbeddingEngine(vision, text);
    }

    /// <inheritdoc/>
    public override void Check(ResizePlan images)
    {
        if (_vision.FixedShape(images) is { } shape && (shape.Length != 1 || shape[0] != TextSize))
            throw new InvalidDataException($"the image tower gives [{string.Join(", ", shape)}] an image, the text tower {TextSize} floats a text");
    }

    /// <inheritdoc/>
    protected override int Encode(ReadOnlySpan<PreparedPixels> images, TensorBuffer pixels, TensorBuffer results, CancellationToken cancellation)
    {
        _vision.Encode(images, pixels, results, cancellation);
        return (int)_vision.ShapeOf(images[0].Width, images[0].Height)[0];
    }
}
