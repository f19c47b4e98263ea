using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Families.Cuda;
using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Families.Florence2;

/// <summary>Florence-2 for CUDA: image to tokens, tokens and prompt to what the decoder reads of them; its steps are a captioner's.</summary>
internal static class CudaGraphs
{
    /// <summary>The image tower: <see cref="CudaDavit.Pixels"/> -> <see cref="PromptedNames.Features"/>.</summary>
    public static OnnxModel Vision(Florence2Parameters parameters, Normalization normalization, ElementType type)
    {
        var graph = new CudaGraph(type);
        var features = new CudaDavit(graph, parameters.Vision).Run(normalization);
        graph.Builder.Output(features, PromptedNames.Features, type, "images", parameters.Vision.Tokens, parameters.Text.HiddenSize);
        return graph.Builder.Build();
    }

    /// <summary>
    /// The encoder: <see cref="PromptedNames.Features"/> and <see cref="PromptedNames.Prompt"/> to what the decoder's steps read of them,
    /// [images, tokens + length, width].
    /// </summary>
    public static OnnxModel Encoder(Florence2Parameters parameters, ElementType type)
    {
        var graph = new CudaGraph(type);
        var (builder, text, encoder) = (graph.Builder, parameters.Text, parameters.Text.Encoder);
        var features = builder.Input(PromptedNames.Features, type, "images", parameters.Vision.Tokens, text.HiddenSize);
        var ids = builder.Input(PromptedNames.Prompt, ElementType.Int64, "images", "length");
        var prompt = builder.Node("Gather", [graph.Weight(text.Scaled(encoder.TokenEmbedding)), ids]);
        var states = EncoderBlocks.Place(graph, builder.Node("Concat", [features, prompt], ("axis", 1)), encoder.Positions, encoder.EmbeddingNorm);
        foreach (var layer in encoder.Layers)
            states = EncoderBlocks.NormsBehind(graph, states, layer, text.Activation);
        CaptionerGraphs.OutputCross(graph, states, text.Decoder.Layers, "positions");
        return builder.Build();
    }

    /// <summary>The decoder, of which the steps' graphs are made.</summary>
    public static StepDecoder Decoder(BartParameters text) => new(
        text.Scaled(text.Decoder.TokenEmbedding), text.Decoder.Positions, text.Decoder.EmbeddingNorm, text.Decoder.Layers, text.Activation, null,
        new VocabularyHead(text.Head, null, null));
}
