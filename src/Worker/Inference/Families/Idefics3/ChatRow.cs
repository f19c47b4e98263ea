using VlWorker.Decoding;

namespace VlWorker.Inference.Families.Idefics3;

/// <summary>One row of a batch.</summary>
/// <param name="Images">The images of its prompt, in order; stay the caller's.</param>
/// <param name="Prompt">The prompt, with the image token in each place that takes a feature.</param>
/// <param name="Parameters">Its parameters.</param>
internal readonly record struct ChatRow(IReadOnlyList<PreparedPixels> Images, int[] Prompt, GenerationParameters Parameters)
{
    /// <summary>Frames of all its images.</summary>
    public int Frames => Images.Sum(static image => image.Frames);
}
