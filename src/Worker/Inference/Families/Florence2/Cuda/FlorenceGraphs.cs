using VlWorker.Inference.Cuda;
using VlWorker.Inference.Families.Captioning.Cuda;
using VlWorker.Inference.Generation;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Families.Cuda;

namespace VlWorker.Inference.Families.Florence2.Cuda;

/// <summary>Florence-2's graphs for CUDA, and what is not in them.</summary>
/// <param name="Vision">Images to tokens.</param>
/// <param name="Captioner">Tokens and prompts to what steps read of them, and the steps.</param>
/// <param name="Context">Tokens of an image and its prompt at most.</param>
/// <param name="PromptLength">Tokens of the prompt that most requests have: batches with it are recorded at the start.</param>
internal sealed record FlorenceGraphs(GraphFile Vision, CaptionGraphs Captioner, int Context, int PromptLength)
{
    /// <summary>The graphs of an optimised folder.</summary>
    public static FlorenceGraphs Of(ModelFolder folder, PreprocessorConfig images, GenerationTokens tokens, int vocabulary, int context, int promptLength) => new(
        new GraphFile(folder.Graphs[CudaLayout.Vision], null), CaptionGraphs.Of(folder, images, tokens, vocabulary), context, promptLength);
}
