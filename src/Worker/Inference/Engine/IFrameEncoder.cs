using VlWorker.Decoding;

namespace VlWorker.Inference.Engine;

/// <summary>An image tower that makes features which take the places of tokens in a prompt. Called from several threads at a time.</summary>
internal interface IFrameEncoder : IDisposable
{
    /// <summary>Features of a frame.</summary>
    int TokensPerFrame { get; }

    /// <summary>Floats a feature: as many as a token's embedding has.</summary>
    int Width { get; }

    /// <summary>Encodes all frames of an image.</summary>
    /// <param name="image">The image.</param>
    /// <param name="pixels">Memory for the graph's input.</param>
    /// <param name="features">Receives [frames * tokens of a frame, width]; large enough.</param>
    /// <param name="offset">Where in there, in features.</param>
    /// <param name="cancellation">Looked at before each frame.</param>
    void Encode(PreparedPixels image, TensorBuffer pixels, TensorBuffer features, long offset, CancellationToken cancellation);
}
