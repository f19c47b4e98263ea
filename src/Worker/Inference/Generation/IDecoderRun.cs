namespace VlWorker.Inference.Generation;

/// <summary>One batch's way through a decoder, step by step. Used by one thread at a time; all rows are at the same position.</summary>
internal interface IDecoderRun : IDisposable
{
    /// <summary>Whether several images with several beams each are to be decoded one image after the other.</summary>
    bool TakesImagesSingly(HiddenStates states);

    /// <summary>Runs the first step: a row for each image, all with the same prompt.</summary>
    /// <param name="states">The images' states, which the encoder has written.</param>
    /// <param name="prompt">The prompt.</param>
    /// <param name="width">Rows that each image has after this step.</param>
    void Start(HiddenStates states, IReadOnlyList<int> prompt, int width);

    /// <summary>Runs a further step.</summary>
    /// <param name="tokens">One token a row.</param>
    void Step(ReadOnlySpan<int> tokens);

    /// <summary>The logits after the last position of some rows, one row after the other; valid until the next step.</summary>
    Span<float> Logits(int row, int rows);

    /// <summary>Chooses the rows that go on, and repeats rows where beams fork.</summary>
    /// <param name="parents">For each new row the present one whose cache it takes over.</param>
    /// <param name="images">For each new row a present one of the same image.</param>
    void Arrange(ReadOnlySpan<int> parents, ReadOnlySpan<int> images);
}
