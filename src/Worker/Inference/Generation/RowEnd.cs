namespace VlWorker.Inference.Generation;

/// <summary>Makes a row's outcome when its search ends, which may be long before its batch's, and tells whoever waits for it.</summary>
/// <param name="input">The row.</param>
/// <param name="outcome">Makes the outcome of what was found.</param>
internal sealed class RowEnd(InferenceInput input, Func<RowResult, InferenceOutcome> outcome)
{
    private InferenceOutcome? _known;

    /// <summary>The row's outcome: what it was made of first stays, also where the row runs again because its batch failed later.</summary>
    public InferenceOutcome Of(RowResult result)
    {
        if (_known is null)
        {
            _known = outcome(result);
            input.OnOutcome?.Invoke(_known);
        }

        return _known;
    }
}
