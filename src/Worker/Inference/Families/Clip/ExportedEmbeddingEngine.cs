using VlWorker.Decoding;
using VlWorker.Inference.Engine;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.Inference.Families.Clip;

/// <summary>The towers as they were exported.</summary>
internal sealed class ExportedEmbeddingEngine : IEmbeddingEngine
{
    // Measured: an image at a time keeps the encoder's activations in the processor's cache.
    private const int EncoderChunk = 1;

    private readonly ImageEncoder _vision;
    private readonly TextEncoder _text;
    private readonly ObjectPool<Workspace> _workspaces = new(() => new Workspace());

    private ExportedEmbeddingEngine(ImageEncoder vision, TextEncoder text) => (_vision, _text) = (vision, text);

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
    public void Check(ResizePlan images)
    {
        if (_vision.FixedShape(images) is { } shape && (shape.Length != 1 || shape[0] != _text.Size))
            throw new InvalidDataException($"the image tower gives [{string.Join(", ", shape)}] an image, the text tower {_text.Size} floats a text");
    }

    /// <inheritdoc/>
    public void EncodeImages(ReadOnlySpan<PreparedPixels> images, ReceiveEmbeddings receive, CancellationToken cancellation)
    {
        var workspace = _workspaces.Rent();
        try
        {
            var size = (int)_vision.ShapeOf(images[0].Width, images[0].Height)[0];
            _vision.Encode(images, workspace.Inputs[0], workspace.Results, cancellation);
            receive(workspace.Results.Span<float>(0, images.Length * size), size);
        }
        finally
        {
            _workspaces.Return(workspace);
        }
    }

    /// <inheritdoc/>
    public void EncodeTexts(ReadOnlySpan<int[]> texts, ReceiveEmbeddings receive)
    {
        var workspace = _workspaces.Rent();
        try
        {
            _text.Encode(texts, workspace.Inputs, workspace.Results);
            receive(workspace.Results.Span<float>(0, texts.Length * _text.Size), _text.Size);
        }
        finally
        {
            _workspaces.Return(workspace);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _workspaces.Dispose();
        _vision.Dispose();
        _text.Dispose();
    }

    /// <summary>The memory of one stream.</summary>
    private sealed class Workspace : IDisposable
    {
        public TensorBuffer[] Inputs { get; } = [new(), new(), new()];

        public TensorBuffer Results { get; } = new();

        public void Dispose()
        {
            foreach (var input in Inputs)
                input.Dispose();
            Results.Dispose();
        }
    }
}
