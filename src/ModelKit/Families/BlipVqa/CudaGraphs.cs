using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Families.Cuda;
using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Families.BlipVqa;

/// <summary>
/// BLIP's question answering for CUDA: image to states, question about them; the answer's steps are those of <see cref="Blip.CudaGraphs.Decoder"/>.
/// </summary>
internal static class CudaGraphs
{
    /// <summary>The image tower: <see cref="VisionTower.Pixels"/> -> <see cref="PromptedNames.Features"/>.</summary>
    public static OnnxModel Vision(BlipVqaParameters parameters, Normalization normalization, ElementType type)
    {
        var (graph, vision) = (new CudaGraph(type), parameters.Vision);
        graph.Builder.Output(
            VisionTower.States(graph, vision, normalization), PromptedNames.Features, type, "images", vision.Positions.Rows, vision.HiddenSize);
        return graph.Builder.Build();
    }

    /// <summary>
    /// The encoder: <see cref="PromptedNames.Features"/> and the question, <see cref="PromptedNames.Prompt"/>, to what the decoder's steps read of
    /// the question, [images, length, width].
    /// </summary>
    public static OnnxModel Encoder(BlipVqaParameters parameters, ElementType type)
    {
        var graph = new CudaGraph(type);
        var (builder, vision, question) = (graph.Builder, parameters.Vision, parameters.Question);
        var image = builder.Input(PromptedNames.Features, type, "images", vision.Positions.Rows, vision.HiddenSize);
        var ids = builder.Input(PromptedNames.Prompt, ElementType.Int64, "images", "length");
        var words = builder.Node("Gather", [graph.Weight(question.TokenEmbedding), ids]);
        var states = EncoderBlocks.Place(graph, words, question.Positions, question.EmbeddingNorm);
        foreach (var layer in question.Layers)
            states = EncoderBlocks.Read(graph, states, image, layer, question.Activation);
        CaptionerGraphs.OutputCross(graph, states, parameters.Answer.Layers, "length");
        return builder.Build();
    }
}
