using VlWorker.Decoding;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.Inference.Families.Embedders;

/// <summary>The two towers of an embedder on a device. Called from several threads at a time.</summary>
internal interface IEmbeddingEngine : IDisposable
{
    /// <summary>Checks, at start-up, that the towers fit each other and the images.</summary>
    /// <param name="images">How the images are resized.</param>
    /// <exception cref="InvalidDataException">They don't.</exception>
    void Check(ResizePlan images);

    /// <summary>Encodes images of one size.</summary>
    /// <param name="images">The images; stay the caller's.</param>
    /// <param name="receive">Called once, with [images, floats of an embedding]: not normalised, valid during the call.</param>
    /// <param name="cancellation">Looked at between runs of the graph.</param>
    void EncodeImages(ReadOnlySpan<PreparedPixels> images, ReceiveEmbeddings receive, CancellationToken cancellation);

    /// <summary>Encodes texts.</summary>
    /// <param name="texts">Token ids, none empty, the end token last.</param>
    /// <param name="receive">Called once, with [texts, floats of an embedding]: not normalised, valid during the call.</param>
    void EncodeTexts(ReadOnlySpan<int[]> texts, ReceiveEmbeddings receive);
}

/// <summary>Takes embeddings over.</summary>
/// <param name="values">One embedding after the other.</param>
/// <param name="size">Floats of one.</param>
internal delegate void ReceiveEmbeddings(Span<float> values, int size);
