using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Families.Cpu;
using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Families.Siglip;

/// <summary>SigLIP's two towers for the CPU.</summary>
internal static class CpuGraphs
{
    /// <summary>The image tower: <see cref="CpuVision.Patches"/> -> float <c>image_embeds</c> [batch, D], not normalised.</summary>
    public static OnnxModel Vision(SiglipParameters model, Normalization normalization, CpuPrecision precision)
    {
        var (graph, vision) = (new GraphBuilder(), model.Vision);
        var blocks = new CpuBlocks(graph);
        var states = CpuVision.Encode(graph, blocks, vision, normalization, precision.Encoder);
        var pooled = Pool(graph, blocks, states, model.Pool, vision.Activation, precision.Encoder);
        graph.Output(pooled, "image_embeds", ElementType.Float, "batch", vision.HiddenSize);
        return graph.Build();
    }

    /// <summary>
    /// The text tower: int64 <c>input_ids</c> [batch, positions], padded to the length that the model was trained with, -> float
    /// <c>text_embeds</c> [batch, projection], not normalised.
    /// </summary>
    public static OnnxModel Text(SiglipParameters model, CpuPrecision precision)
    {
        var (graph, text) = (new GraphBuilder(), model.Text);
        var blocks = new CpuBlocks(graph);
        var ids = graph.Input("input_ids", ElementType.Int64, "batch", "positions");
        var states = blocks.Embed(text.TokenEmbedding, text.Positions, ids, precision.Encoder);
        var end = graph.Constant(Tensor.FromInt64([-1], [1]));
        for (var i = 0; i < text.Layers.Count; i++)
        {
            // Of the last block only the last position is wanted, where the tower pools.
            var last = i == text.Layers.Count - 1;
            states = blocks.Encode(
                states, text.Layers[i], text.Activation, false, precision.Encoder,
                value => last ? graph.Node("Gather", [value, end], ("axis", 1)) : value);
        }

        var token = graph.Node("Squeeze", [states, graph.Constant(Tensor.FromInt64([1], [1]))]);
        var embedding = blocks.Linears.Apply(blocks.Norm(token, text.FinalNorm), new Linear(text.Projection, model.TextBias), LinearFormat.Float);
        graph.Output(embedding, "text_embeds", ElementType.Float, "batch", text.Projection.Columns);
        return graph.Build();
    }

    // [batch, positions, D] -> [batch, D].
    private static string Pool(GraphBuilder graph, CpuBlocks blocks, string states, AttentionPool pool, Activation activation, LinearFormat format)
    {
        var width = pool.Query.Length;
        var batch = graph.Node("Shape", [states], ("start", 0), ("end", 1));
        var shape = graph.Node("Concat", [batch, graph.Constant(Tensor.FromInt64([1, width], [2]))], ("axis", 0));
        var query = graph.Node("Expand", [graph.Constant(Tensor.FromFloats(pool.Query, [1, 1, width])), shape]);
        var attended = graph.Microsoft(
            "MultiHeadAttention",
            [query, blocks.Linears.Apply(states, pool.Key, format), blocks.Linears.Apply(states, pool.Value, format)],
            ("num_heads", pool.Heads));
        var token = graph.Node("Squeeze", [blocks.Linears.Apply(attended, pool.Output, format), graph.Constant(Tensor.FromInt64([1], [1]))]);
        return blocks.FeedForward(token, pool.Norm, false, pool.Up, pool.Down, activation, format);
    }
}
