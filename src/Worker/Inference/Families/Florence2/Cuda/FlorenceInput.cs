using VlWorker.Decoding;

namespace VlWorker.Inference.Families.Florence2.Cuda;

/// <summary>What a row brings to the encoder.</summary>
/// <param name="Pixels">The image; stays the caller's.</param>
/// <param name="Prompt">The prompt's tokens; all rows of a batch have as many.</param>
internal readonly record struct FlorenceInput(PreparedPixels Pixels, int[] Prompt);
