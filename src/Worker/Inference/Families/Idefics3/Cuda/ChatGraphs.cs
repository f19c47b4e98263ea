using VlWorker.Inference.Cuda;
using VlWorker.Inference.Generation;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Families.Cuda;

namespace VlWorker.Inference.Families.Idefics3.Cuda;

/// <summary>A chat model's graphs for CUDA, and what is not in them.</summary>
/// <param name="Vision">Frames to features.</param>
/// <param name="Prompt">Prompts to the first token.</param>
/// <param name="Step">A token of each row.</param>
/// <param name="Tokens">The model's special tokens.</param>
/// <param name="ImageToken">The token in whose places features go.</param>
/// <param name="Vocabulary">Tokens that there are.</param>
/// <param name="Context">Positions of a row at most.</param>
/// <param name="Images">How images are resized.</param>
internal sealed record ChatGraphs(
    GraphFile Vision, GraphFile Prompt, GraphFile Step, GenerationTokens Tokens, int ImageToken, int Vocabulary, int Context, ResizePlan Images)
{
    /// <summary>The graphs of an optimised folder.</summary>
    /// <exception cref="InvalidDataException">config.json does not give the decoder's sizes.</exception>
    public static ChatGraphs Of(ModelFolder folder, PreprocessorConfig images, int imageToken, GenerationTokens tokens)
    {
        int Text(string name) => folder.Config.Int32("text_config", name) ?? throw new InvalidDataException($"config.json has no text_config.{name}");
        return new ChatGraphs(
            new GraphFile(folder.Graphs[CudaLayout.Vision], null),
            new GraphFile(folder.Graphs[CudaLayout.Prompt], null, AnyLength: true),
            new GraphFile(folder.Graphs[CudaLayout.Greedy], null, AnyLength: true),
            tokens, imageToken, Text("vocab_size"), Text("max_position_embeddings"), images.Resize);
    }
}
