using VlWorker.Decoding;
using VlWorker.Inference.Engine;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.Inference.Families.Embedders;

/// <summary>The towers as they were exported.</summary>
internal sealed class ExportedEmbeddingEngine : EmbeddingEngine
{
    // Measured: an image at a time keeps the encoder's activations in the processor's cache.
    private const int EncoderChunk = 1;

    private readonly ImageEncoder _vision;

    private ExportedEmbeddingEngine(ImageEncoder vision, TextEncoder? text)
        : base(vision, text, int.MaxValue) => _vision = vision;

    /// <summary>Loads the graphs of a folder.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="family">Its family.</param>
    /// <param name="padding">How texts are padded; null where any length will do.</param>
    /// <param name="images">How images are normalised.</param>
    /// <param name="options">How the model runs.</param>
    /// <exception cref="InvalidDataException">They are not of a layout known here.</exception>
    /// <exception cref="NotSupportedException">The family has no such layout.</exception>
    public static ExportedEmbeddingEngine Load(
        ModelFolder folder, EmbedderFamily family, TextPadding? padding, PreprocessorConfig images, ModelOptions options)
    {
        if (images.Resize.Grid is not null)
            throw new NotSupportedException($"a {folder.Family.ModelType} runs as model convert makes it of the checkpoint, not as exported");
        using var loaded = new LoadedGraphs(folder, options);
        var vision = new ImageEncoder(loaded.Load(family.VisionGraph), images, EncoderChunk, family.ImageOutput);
        var text = family.TextOutput is { } output ? new TextEncoder(loaded.Load(ModelFamily.Graphs.Text), padding, output) : null;
        loaded.HandOver();
        return new ExportedEmbeddingEngine(vision, text);
    }

    /// <inheritdoc/>
    public override void Check(ResizePlan images)
    {
        if (_vision.FixedShape(images) is { } shape && (shape.Length is not (1 or 2) || (TextSize is { } size && size != shape[^1])))
            throw new InvalidDataException($"the image tower gives [{string.Join(", ", shape)}] an image, the text tower {TextSize} floats a text");
    }

    /// <inheritdoc/>
    protected override int Encode(ReadOnlySpan<PreparedPixels> images, TensorBuffer pixels, TensorBuffer results, CancellationToken cancellation)
    {
        _vision.Encode(images, pixels, results, cancellation);
        var shape = _vision.ShapeOf(images[0].Width, images[0].Height);
        var size = (int)shape[^1];
        if (shape.Length == 2)
            KeepFirst(results.Span<float>(0, images.Length * (int)shape[0] * size), (int)shape[0] * size, size);
        return size;
    }

    // Of an image's hidden states the class token's, the first, are its embedding.
    private static void KeepFirst(Span<float> states, int step, int size)
    {
        for (var from = step; from < states.Length; from += step)
            states.Slice(from, size).CopyTo(states[(from / step * size)..]);
    }
}
