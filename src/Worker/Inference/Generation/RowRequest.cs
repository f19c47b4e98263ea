namespace VlWorker.Inference.Generation;

/// <summary>What one row of a batch asks the decoder for.</summary>
/// <param name="Parameters">Its parameters; all rows of a batch have the same number of beams.</param>
/// <param name="Prompt">What its sequence starts with, one token or more; rows of a batch may have different ones.</param>
/// <param name="Stop">Texts that end it; null where there are none.</param>
internal readonly record struct RowRequest(GenerationParameters Parameters, IReadOnlyList<int> Prompt, StopStrings? Stop = null)
{
    /// <summary>Somebody who reads along; null where nobody does.</summary>
    public RowWatch? Watch { get; init; }

    /// <summary>What happens when its search ends; null where nothing does before the batch ends.</summary>
    public RowEnd? End { get; init; }
}
