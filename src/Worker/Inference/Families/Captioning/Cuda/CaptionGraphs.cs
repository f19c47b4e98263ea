using VlWorker.Inference.Cuda;
using VlWorker.Inference.Generation;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Families.Cuda;

namespace VlWorker.Inference.Families.Captioning.Cuda;

/// <summary>A captioner's graphs for CUDA, and what is not in them.</summary>
/// <param name="Encoder">Images to what steps read of them.</param>
/// <param name="Greedy">A step of greedy search.</param>
/// <param name="Beams">A step of beam search.</param>
/// <param name="Tokens">The model's special tokens; its prompt is one token, and the rows' prompts begin with it.</param>
/// <param name="Vocabulary">Tokens that there are.</param>
/// <param name="Images">How images are resized.</param>
internal sealed record CaptionGraphs(GraphFile Encoder, GraphFile Greedy, GraphFile Beams, GenerationTokens Tokens, int Vocabulary, ResizePlan Images)
{
    /// <summary>The graphs of an optimised folder.</summary>
    public static CaptionGraphs Of(ModelFolder folder, PreprocessorConfig images, GenerationTokens tokens, int vocabulary) => new(
        new GraphFile(folder.Graphs[CudaLayout.Encoder], null),
        new GraphFile(folder.Graphs[CudaLayout.Greedy], null),
        new GraphFile(folder.Graphs[CudaLayout.Beams], null, true),
        tokens,
        vocabulary,
        images.Resize);

    /// <summary>The same graphs for states of ever new lengths; see <see cref="GraphFile"/>.</summary>
    public CaptionGraphs OfAnyLength() => this with
    {
        Encoder = Encoder with { AnyLength = true },
        Greedy = Greedy with { AnyLength = true },
        Beams = Beams with { AnyLength = true },
    };

    /// <summary>Beams that a request has by default.</summary>
    public static int DefaultBeams(ModelFolder folder) => GenerationConfig.Load(folder).NumBeams;

    /// <summary>Tokens that a request's caption has at most by default.</summary>
    public static int DefaultSteps(ModelFolder folder)
    {
        var generation = GenerationConfig.Load(folder);
        return generation.MaxNewTokens ?? Math.Max(1, (generation.MaxLength ?? 1 + GenerationConfig.DefaultNewTokens) - 1);
    }
}
