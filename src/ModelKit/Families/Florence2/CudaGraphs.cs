using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Families.Cuda;
using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Families.Florence2;

/// <summary>Florence-2 for CUDA: image to tokens, tokens and prompt to the decoder's keys and values; its steps are a captioner's.</summary>
internal static class CudaGraphs
{
    /// <summary>The image tower's output and the encoder's input.</summary>
    public const string Features = "features";

    /// <summary>The prompt, int64 [images, length].</summary>
    public const string Prompt = "prompt_ids";

    /// <summary>The image tower: <see cref="CudaDavit.Pixels"/> -> <see cref="Features"/> [images, tokens, D].</summary>
    public static OnnxModel Vision(Florence2Parameters parameters, Normalization normalization, ElementType type)
    {
        var graph = new CudaGraph(type);
        var features = new CudaDavit(graph, parameters.Vision).Run(normalization);
        graph.Builder.Output(features, Features, type, "images", parameters.Vision.Tokens, parameters.Text.HiddenSize);
        return graph.Builder.Build();
    }
}
