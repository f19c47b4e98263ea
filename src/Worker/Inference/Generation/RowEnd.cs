namespace VlWorker.Inference.Generation;

/// <summary>Makes a row's outcome when its search ends, which may be long before its batch's, and tells whoever waits for it.</summary>
/// <param name="input">The row.</param>
/// <param name="outcome">Makes the outcome of what was found.</param>
internal sealed class RowEnd(InferenceInput input, Func<RowResult, InferenceOutcome> outcome)
{
    /// <summary>The outcome; null while the search goes on.</summary>
    public InferenceOutcome? Known { get; private set; }

    /// <summary>The row's outcome: what it was made of first stays.</summary>
    public InferenceOutcome Of(RowResult result)
    {
        if (Known is null)
        {
            Known = outcome(result);
            input.OnOutcome?.Invoke(Known);
        }

        return Known;
    }
}
