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

    /// <summary>Whether rows may join its running batches.</summary>
    bool TakesMore => false;

    /// <summary>Runs rows, and others that join them.</summary>
    /// <param name="rows">The rows that the batch begins with.</param>
    /// <param name="results">Receives their sequences, or failures. Those that join are told theirs at their <see cref="RowRequest.End"/>.</param>
    /// <param name="more">Gives rows that wait, so many at most. Some may be left open: they can't join, and run as soon as this batch has ended.</param>
    /// <param name="cancellation">Looked at between frames and steps.</param>
    void Run(ReadOnlySpan<ChatRow> rows, Span<RowResult> results, Func<int, IReadOnlyList<ChatRow>>? more, CancellationToken cancellation) =>
        Run(rows, results, cancellation);
}
