using VlWorker.Decoding;
using VlWorker.Inference.Engine;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.Inference.Families.Embedders;

/// <summary>Both towers on the processor: the streams' memory, the text tower, and the way out. How images go in is the graphs' own.</summary>
/// <param name="vision">The image tower; disposed of with this.</param>
/// <param name="text">The text tower; disposed of with this. Null where there is none.</param>
/// <param name="textChunk">Texts that run together.</param>
internal abstract class EmbeddingEngine(IDisposable vision, TextEncoder? text, int textChunk) : IEmbeddingEngine
{
    private readonly ObjectPool<Workspace> _workspaces = new(() => new Workspace());

    /// <summary>Floats of a text's embedding; null where there is no text tower.</summary>
    protected int? TextSize => text?.Size;

    /// <inheritdoc/>
    public abstract void Check(ResizePlan images);

    /// <inheritdoc/>
    public void EncodeImages(ReadOnlySpan<PreparedPixels> images, ReceiveEmbeddings receive, CancellationToken cancellation)
    {
        var workspace = _workspaces.Rent();
        try
        {
            var size = Encode(images, workspace.Inputs[0], workspace.Results, cancellation);
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
        if (text is null)
            throw new NotSupportedException("the model has no text tower");
        var workspace = _workspaces.Rent();
        try
        {
            text.Encode(texts, workspace.Inputs, workspace.Results, textChunk);
            receive(workspace.Results.Span<float>(0, texts.Length * text.Size), text.Size);
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
        vision.Dispose();
        text?.Dispose();
    }

    /// <summary>Runs the image tower.</summary>
    /// <param name="images">One or more, of one size.</param>
    /// <param name="pixels">Memory for its input.</param>
    /// <param name="results">Receives the embeddings, [images, size].</param>
    /// <param name="cancellation">Looked at between runs.</param>
    /// <returns>Floats of an image's embedding.</returns>
    protected abstract int Encode(ReadOnlySpan<PreparedPixels> images, TensorBuffer pixels, TensorBuffer results, CancellationToken cancellation);

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
