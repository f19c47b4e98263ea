using VlWorker.Inference.Generation;

namespace VlWorker.Inference.Families.Captioning.Cuda;

/// <summary>
/// Tokens that rows go on from, whatever a step chose: the rest of their prompts, or the token that the model always generates first. A copy between
/// two steps puts them where the chosen ones lie, so that recorded steps do for batches with and without prompts.
/// </summary>
/// <param name="capacity">Images at most.</param>
/// <param name="beams">Rows of an image.</param>
/// <param name="steps">Steps at most.</param>
internal sealed class GivenTokens(int capacity, int beams, int steps)
{
    private readonly int[] _images = new int[steps];

    /// <summary>Numbers that <see cref="Write"/> needs room for.</summary>
    public int Size => steps * capacity * beams;

    /// <summary>How many tokens a row is given after its first.</summary>
    public static int Count(RowRequest row, GenerationTokens tokens) =>
        row.Prompt.Count == 1 && tokens.ForcedFirst is not null && row.Parameters.MaxNewTokens > 1 ? 1 : row.Prompt.Count - 1;

    /// <summary>Takes a batch's.</summary>
    /// <param name="rows">Images that are given more tokens come before those that are given fewer.</param>
    /// <param name="tokens">The model's special tokens.</param>
    /// <param name="target">Receives, for each step, what follows it: [images, beams] from <see cref="Offset"/> on.</param>
    public void Write(ReadOnlySpan<RowRequest> rows, GenerationTokens tokens, Span<long> target)
    {
        Array.Clear(_images);
        for (var image = 0; image < rows.Length; image++)
        {
            var prompt = rows[image].Prompt;
            for (var step = Count(rows[image], tokens) - 1; step >= 0; step--)
            {
                target.Slice(Offset(step) + (image * beams), beams).Fill(prompt.Count > 1 ? prompt[step + 1] : tokens.ForcedFirst!.Value);
                _images[step] = image + 1;
            }
        }
    }

    /// <summary>How many images, the first ones, are given a token after a step.</summary>
    public int Images(int step) => _images[step];

    /// <summary>Where these tokens begin.</summary>
    public int Offset(int step) => step * capacity * beams;
}
