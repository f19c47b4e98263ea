using VlWorker.Decoding;
using VlWorker.Inference.Generation;

namespace VlWorker.Inference.Families.Prompted;

/// <summary>A row as the engine takes it.</summary>
/// <param name="Pixels">The image; stays the caller's.</param>
/// <param name="Prompt">The prompt's tokens, those around it included.</param>
/// <param name="Request">What it asks the decoder for; all rows of a batch have the same number of beams.</param>
internal readonly record struct PromptedRow(PreparedPixels Pixels, int[] Prompt, RowRequest Request);
