using VlWorker.Inference.Cuda;
using VlWorker.Inference.Families.Captioning.Cuda;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Families.Cuda;

namespace VlWorker.Inference.Families.Prompted.Cuda;

/// <summary>The graphs for CUDA of an encoder of image and prompt and its decoder, and what is not in them.</summary>
/// <param name="Vision">Images to tokens.</param>
/// <param name="Tower">Runs that.</param>
/// <param name="Captioner">Tokens and prompts to what steps read of them, and the steps.</param>
/// <param name="Context">Positions of the encoder's states at most.</param>
/// <param name="PromptLength">Tokens of the prompt that most requests have: batches with it are recorded at the start.</param>
internal sealed record PromptedGraphs(GraphFile Vision, MakeTower Tower, CaptionGraphs Captioner, int Context, int PromptLength)
{
    /// <summary>Whether the encoder's states are the image's and the prompt's; else they are the prompt's alone.</summary>
    public bool ImageInFront { get; init; }

    /// <summary>The image tower of an optimised folder.</summary>
    public static GraphFile VisionOf(ModelFolder folder) => new(folder.Graphs[CudaLayout.Vision], null);
}
