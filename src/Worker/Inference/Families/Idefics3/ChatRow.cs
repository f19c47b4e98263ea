using VlWorker.Decoding;
using VlWorker.Inference.Generation;

namespace VlWorker.Inference.Families.Idefics3;

/// <summary>One row of a batch.</summary>
/// <param name="Images">The images of its prompt, in order; stay the caller's.</param>
/// <param name="Request">What it asks for; its prompt has the image token in each place that takes a feature.</param>
internal readonly record struct ChatRow(IReadOnlyList<PreparedPixels> Images, RowRequest Request);
