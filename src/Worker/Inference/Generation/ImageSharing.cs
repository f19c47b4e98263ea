using Microsoft.ML.OnnxRuntime;
using VlWorker.Inference.Engine;

namespace VlWorker.Inference.Generation;

/// <summary>
/// Finds out whether a decoder takes one image's hidden states for several rows: exported attention multiplies matrices that broadcast over the
/// first dimension, but no format promises it.
/// </summary>
internal static class ImageSharing
{
    private const int Rows = 2;

    /// <summary>Runs two steps with the image shared and with the image repeated, and compares the scores.</summary>
    public static bool Works(DecoderGraphs graphs, HiddenStates states)
    {
        try
        {
            var repeated = Scores(graphs, states with { Images = Rows, First = 0, Shared = false });
            var shared = Scores(graphs, states with { Images = 1, First = 0, Shared = true });
            for (var i = 0; i < shared.Length; i++)
            {
                if (!(Math.Abs(shared[i] - repeated[i]) <= 1e-4f * Math.Max(1, Math.Abs(repeated[i]))))
                    return false;
            }

            return true;
        }
        catch (OnnxRuntimeException)
        {
            return false;
        }
    }

    private static float[] Scores(DecoderGraphs graphs, HiddenStates states)
    {
        using var run = new DecoderRun(graphs);
        run.Hidden.Reserve(states.ImageBytes * Rows);
        // The same image in both places; any values will do as long as they differ from position to position.
        var image = run.Hidden.Span<float>(0, states.Positions * states.Size);
        for (var i = 0; i < image.Length; i++)
            image[i] = MathF.Sin(i);
        run.Hidden.CopyFrom(run.Hidden, 0, states.ImageBytes, states.ImageBytes);
        run.Start(states, PromptBatch.Same([0], states.Images), Rows);
        if (states.Shared)
            run.Arrange([0, 0], [0, 0]);
        run.Step([0, Math.Min(1, graphs.Vocabulary - 1)]);
        return run.Logits(0, Rows).ToArray();
    }
}
