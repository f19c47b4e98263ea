namespace VlWorker.Inference;

/// <summary>Rows that wait and may join a batch that runs. Asked on the thread that runs the batch, between two of its steps.</summary>
internal interface IRowSource
{
    /// <summary>Takes rows that may share the batch, the most urgent first; they stay the caller's.</summary>
    /// <remarks>Rows of the batch whose outcome was told by then are given back: the model does not look at them again.</remarks>
    /// <param name="most">Rows at most.</param>
    /// <returns>None where none waits, or where others have to go first.</returns>
    IReadOnlyList<InferenceInput> Take(int most);
}
