using VlWorker.Inference.Generation;

namespace VlWorker.Inference.Families.Idefics3;

/// <summary>A model's graphs on a device: images and prompts in, found sequences out. Called from several threads at a time.</summary>
internal interface IChatEngine : IDisposable
{
    /// <summary>Tokens that a frame takes in a prompt.</summary>
    int TokensPerFrame { get; }

    /// <summary>Tokens that the decoder knows.</summary>
    int Vocabulary { get; }

    /// <summary>Runs rows with any images and prompts.</summary>
    /// <param name="rows">The rows; all have the same number of beams.</param>
    /// <param name="results">Receives each row's sequences, or its failure.</param>
    /// <param name="cancellation">Looked at between frames and steps.</param>
    void Run(ReadOnlySpan<ChatRow> rows, Span<RowResult> results, CancellationToken cancellation);
}
