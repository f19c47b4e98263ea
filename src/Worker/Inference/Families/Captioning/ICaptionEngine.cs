using VlWorker.Decoding;
using VlWorker.Inference.Generation;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.Inference.Families.Captioning;

/// <summary>A captioner's graphs on a device: prepared images in, found sequences out. Called from several threads at a time.</summary>
internal interface ICaptionEngine : IDisposable
{
    /// <summary>Tokens that the decoder knows.</summary>
    int Vocabulary { get; }

    /// <summary>Checks, at start-up, that the engine's graphs fit each other and the images.</summary>
    /// <param name="images">How the images are resized.</param>
    /// <exception cref="InvalidDataException">They don't.</exception>
    void Check(ResizePlan images);

    /// <summary>Captions images of one size.</summary>
    /// <param name="images">The images; stay the caller's.</param>
    /// <param name="rows">What each image's row asks for; all have the same number of beams.</param>
    /// <param name="results">Receives each image's sequences, or its failure.</param>
    /// <param name="cancellation">Looked at between steps.</param>
    void Run(ReadOnlySpan<PreparedPixels> images, ReadOnlySpan<RowRequest> rows, Span<RowResult> results, CancellationToken cancellation);
}
