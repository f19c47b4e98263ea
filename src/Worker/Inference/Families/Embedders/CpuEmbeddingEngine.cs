using VlWorker.Decoding;
using VlWorker.Inference.Engine;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Families.Cpu;

namespace VlWorker.Inference.Families.Embedders;

/// <summary>The towers as ModelKit builds them for the CPU.</summary>
internal sealed class CpuEmbeddingEngine : EmbeddingEngine
{
    // A text at a time: none is padded to the length of another, and none changes what another is rounded to.
    private const int TextChunk = 1;

    private readonly PatchEncoder _vision;

    private CpuEmbeddingEngine(PatchEncoder vision, TextEncoder? text)
        : base(vision, text, TextChunk) => _vision = vision;

    /// <summary>Loads the graphs of an optimised folder.</summary>
    /// <exception cref="InvalidDataException">They are not of the layout known here.</exception>
    /// <param name="folder">The folder.</param>
    /// <param name="padding">How texts are padded; null where any length will do.</param>
    /// <param name="options">How the model runs.</param>
    public static CpuEmbeddingEngine Load(ModelFolder folder, TextPadding? padding, ModelOptions options)
    {
        using var loaded = new LoadedGraphs(folder, options);
        var vision = new PatchEncoder(loaded.Load(CpuLayout.Vision), ["image_embeds"]);
        var text = folder.Graphs.ContainsKey(CpuLayout.Text) ? new TextEncoder(loaded.Load(CpuLayout.Text), padding, "text_embeds") : null;
        loaded.HandOver();
        return new CpuEmbeddingEngine(vision, text);
    }

    /// <inheritdoc/>
    public override void Check(ResizePlan images)
    {
        _vision.Check(images);
        if (_vision.ShapeOf(0) is not [var size] || (TextSize is { } other && other != size))
            throw new InvalidDataException($"the towers give embeddings of different lengths; the text tower's have {TextSize} floats");
    }

    /// <inheritdoc/>
    protected override int Encode(ReadOnlySpan<PreparedPixels> images, TensorBuffer pixels, TensorBuffer results, CancellationToken cancellation)
    {
        _vision.Encode(images, pixels, [results], cancellation);
        return (int)_vision.ShapeOf(0)[0];
    }
}
