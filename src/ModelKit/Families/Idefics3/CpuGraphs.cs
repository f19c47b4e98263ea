using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Families.Cpu;
using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Families.Idefics3;

/// <summary>The three graphs of Idefics3 and SmolVLM for the CPU.</summary>
internal static class CpuGraphs
{
    /// <summary>The image tower and the connector: <see cref="CpuVision.Patches"/> -> float <c>image_features</c> [batch, features, D of the text].</summary>
    public static OnnxModel Vision(Idefics3Parameters parameters, Normalization normalization, CpuPrecision precision)
    {
        var graph = new GraphBuilder();
        var blocks = new CpuBlocks(graph);
        var (vision, scale) = (parameters.Vision, parameters.Scale);
        var states = CpuVision.Encode(graph, blocks, vision, normalization, precision.Encoder);
        states = PixelShuffle.Squares(graph, vision, scale, states);
        var features = blocks.Linears.Apply(states, parameters.Connector, precision.Encoder);
        graph.Output(features, "image_features", ElementType.Float, "batch", PixelShuffle.Count(vision, scale), parameters.Text.HiddenSize);
        return graph.Build();
    }

    /// <summary>int64 <c>input_ids</c> [rows, positions] -> float <c>inputs_embeds</c> [rows, positions, D].</summary>
    public static OnnxModel Embeddings(LlamaParameters text, CpuPrecision precision)
    {
        var graph = new GraphBuilder();
        var ids = graph.Input("input_ids", ElementType.Int64, "rows", "positions");
        var embeddings = new CpuBlocks(graph).Look(text.TokenEmbedding, ids, precision.Decoder);
        graph.Output(embeddings, "inputs_embeds", ElementType.Float, "rows", "positions", text.HiddenSize);
        return graph.Build();
    }

    /// <summary>
    /// The decoder, over a whole prompt or one token of each row. Rows have lengths of their own. Inputs: float <c>inputs_embeds</c>
    /// [rows, positions, D]; int32 <c>past_lengths</c> [rows], the number of positions in all, less one; int32 <c>total_length</c> [], the largest number
    /// of positions in all; <c>past.N.key</c> and <c>.value</c> [rows, heads, capacity, size]. Of a prompt all positions go in at once, with nothing
    /// before them, and all rows have the same number. Outputs: float <c>logits</c> [rows, vocabulary] of the last position;
    /// <c>present.N.key</c> and <c>.value</c>, which must be bound to the memory of the past ones: a step adds its own positions in place.
    /// </summary>
    public static OnnxModel Decoder(LlamaParameters text, CpuPrecision precision)
    {
        var graph = new GraphBuilder();
        var step = new CpuLlamaStep(graph, text, precision.Decoder);
        var states = graph.Input("inputs_embeds", ElementType.Float, "rows", "positions", text.HiddenSize);
        for (var i = 0; i < text.Layers.Count; i++)
            states = step.Run(states, i);
        var last = graph.Node("Gather", [states, graph.Constant(Tensor.Scalar(-1L))], ("axis", 1));
        var logits = step.Blocks.Linears.ApplyTransposed(step.Norm(last, text.FinalNorm), text.Head ?? text.TokenEmbedding, precision.Head);
        graph.Output(logits, "logits", ElementType.Float, "rows", text.Vocabulary);
        step.OutputCache();
        return graph.Build();
    }
}
