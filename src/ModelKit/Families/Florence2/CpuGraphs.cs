using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Families.Cpu;
using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Families.Florence2;

/// <summary>Florence-2's three graphs for the CPU: image, image and prompt, one step of the answer.</summary>
internal static class CpuGraphs
{
    /// <summary>The image tower: <see cref="CpuDavit.Pixels"/> -> float <c>features</c> [batch, tokens, D].</summary>
    public static OnnxModel Vision(Florence2Parameters parameters, Normalization normalization, CpuPrecision precision)
    {
        var graph = new GraphBuilder();
        var features = new CpuDavit(graph, parameters.Vision, precision.Encoder).Run(normalization);
        graph.Output(features, CpuLayout.Features, ElementType.Float, "batch", parameters.Vision.Tokens, parameters.Text.HiddenSize);
        return graph.Build();
    }

    /// <summary>
    /// The encoder: float <c>features</c> [batch, tokens, D], int64 <c>input_ids</c> [batch, length] of the prompt -> for each layer N of the
    /// decoder float <c>cross.N.key</c> and <c>cross.N.value</c> [batch, heads, tokens + length, size].
    /// </summary>
    public static OnnxModel Encoder(Florence2Parameters parameters, CpuPrecision precision)
    {
        var graph = new GraphBuilder();
        var blocks = new CpuBlocks(graph);
        var (text, encoder) = (parameters.Text, parameters.Text.Encoder);
        var features = graph.Input(CpuLayout.Features, ElementType.Float, "batch", parameters.Vision.Tokens, text.HiddenSize);
        var ids = graph.Input(CpuLayout.Prompt, ElementType.Int64, "batch", "length");
        var states = graph.Node("Concat", [features, blocks.Look(text.Scaled(encoder.TokenEmbedding), ids, precision.Encoder)], ("axis", 1));
        states = blocks.Norm(blocks.AddPositions(states, encoder.Positions), encoder.EmbeddingNorm);
        foreach (var layer in encoder.Layers)
            states = blocks.Encode(states, layer, text.Activation, false, precision.Encoder);
        blocks.OutputCross(states, text.Decoder.Layers, "positions", precision.Encoder);
        return graph.Build();
    }

    /// <summary>One step of the decoder, called as a captioner's; which of an image's positions are padding says int32 <c>cross_mask</c>.</summary>
    public static OnnxModel Decoder(Florence2Parameters parameters, CpuPrecision precision)
    {
        var graph = new GraphBuilder();
        var (text, decoder) = (parameters.Text, parameters.Text.Decoder);
        var step = new CpuDecoderStep(graph, decoder.Layers, text.Activation, "positions", precision.Decoder, masked: true);
        var states = step.Blocks.Norm(step.Embed(text.Scaled(decoder.TokenEmbedding), decoder.Positions), decoder.EmbeddingNorm);
        var logits = step.Blocks.Linears.ApplyTransposed(step.Run(states), text.Head, precision.Head);
        graph.Output(logits, "logits", ElementType.Float, "images", "beams", text.Vocabulary);
        step.OutputCache();
        return graph.Build();
    }
}
