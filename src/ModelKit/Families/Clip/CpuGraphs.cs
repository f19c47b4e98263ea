using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Families.Cpu;
using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Families.Clip;

/// <summary>CLIP's two towers for the CPU; the image tower is DINOv2's too.</summary>
internal static class CpuGraphs
{
    /// <summary>
    /// The image tower: <see cref="CpuVision.Patches"/> -> float <c>image_embeds</c> [batch, projection or D], not normalised: the class token,
    /// normed, and projected where there is a projection.
    /// </summary>
    public static OnnxModel Vision(VisionParameters vision, Normalization normalization, CpuPrecision precision)
    {
        var graph = new GraphBuilder();
        var blocks = new CpuBlocks(graph);
        var states = CpuVision.Embed(graph, blocks, vision, normalization, precision.Encoder);
        var first = graph.Constant(Tensor.FromInt64([0], [1]));
        for (var i = 0; i < vision.Layers.Count; i++)
        {
            // Of the last block only the class token is wanted.
            var last = i == vision.Layers.Count - 1;
            states = blocks.Encode(
                states, vision.Layers[i], vision.Activation, false, precision.Encoder,
                value => last ? graph.Node("Gather", [value, first], ("axis", 1)) : value);
        }

        var token = graph.Node("Squeeze", [states, graph.Constant(Tensor.FromInt64([1], [1]))]);
        var embedding = blocks.Norm(token, vision.FinalNorm);
        if (vision.Projection is { } projection)
            embedding = blocks.Linears.Apply(embedding, new Linear(projection, null), LinearFormat.Float);
        graph.Output(embedding, "image_embeds", ElementType.Float, "batch", vision.Projection?.Columns ?? vision.HiddenSize);
        return graph.Build();
    }

    /// <summary>The text tower: int64 <c>input_ids</c> [batch, positions] -> float <c>text_embeds</c> [batch, projection], not normalised.</summary>
    public static OnnxModel Text(TextParameters text, CpuPrecision precision)
    {
        var graph = new GraphBuilder();
        var blocks = new CpuBlocks(graph);
        var ids = graph.Input("input_ids", ElementType.Int64, "batch", "positions");
        var states = blocks.Embed(text.TokenEmbedding, text.Positions, ids, precision.Encoder);
        foreach (var layer in text.Layers)
            states = blocks.Encode(states, layer, text.Activation, true, precision.Encoder);
        // The end token has the highest id: there the tower pools.
        var end = graph.Node("ArgMax", [ids], ("axis", 1), ("keepdims", true));
        var token = graph.Node("GatherND", [states, end], ("batch_dims", 1));
        var embedding = blocks.Linears.Apply(blocks.Norm(token, text.FinalNorm), new Linear(text.Projection, null), LinearFormat.Float);
        graph.Output(embedding, "text_embeds", ElementType.Float, "batch", text.Projection.Columns);
        return graph.Build();
    }
}
