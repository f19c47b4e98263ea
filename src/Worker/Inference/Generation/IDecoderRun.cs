namespace VlWorker.Inference.Generation;

/// <summary>One batch's way through a decoder, step by step. Used by one thread at a time; all rows are at the same position.</summary>
internal interface IDecoderRun : IDisposable
{
    /// <summary>Whether several images with several beams each are to be decoded one image after the other.</summary>
    bool TakesImagesSingly(HiddenStates states);

    /// <summary>Runs the first step, over the prompts: a row for each.</summary>
    /// <param name="states">What has been written for them: the encoder's states, or the prompts' embeddings.</param>
    /// <param name="prompts">The prompts.</param>
    /// <param name="width">Decoder rows that each has after this step.</param>
    /// <returns>
    /// Tokens that were run of each prompt: all of every prompt where the decoder tells tokens from padding, else as many as the shortest has:
    /// the rest of the longer ones comes by <see cref="Step"/>, so that all rows stay at the same position.
    /// </returns>
    int Start(HiddenStates states, PromptBatch prompts, int width);

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
