using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Families.Cpu;
using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Families.Clip;

/// <summary>CLIP's two towers for the CPU.</summary>
internal static class CpuGraphs
{
    /// <summary>The image tower: <see cref="CpuVision.Patches"/> -> float <c>image_embeds</c> [batch, projection], not normalised.</summary>
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

        var projection = vision.Projection ?? throw new InvalidDataException("an image tower of CLIP has a projection");
        var token = graph.Node("Squeeze", [states, graph.Constant(Tensor.FromInt64([1], [1]))]);
        var embedding = blocks.Linears.Apply(blocks.Norm(token, vision.FinalNorm), new Linear(projection, null), LinearFormat.Float);
        graph.Output(embedding, "image_embeds", ElementType.Float, "batch", projection.Columns);
        return graph.Build();
    }

    /// <summary>The text tower: int64 <c>input_ids</c> [batch, positions] -> float <c>text_embeds</c> [batch, projection], not normalised.</summary>
    public static OnnxModel Text(TextParameters text, CpuPrecision precision)
    {
        var graph = new GraphBuilder();
        var blocks = new CpuBlocks(graph);
        var ids = graph.Input("input_ids", ElementType.Int64, "batch", "positions");
        var states = blocks.Look(text.TokenEmbedding, ids, precision.Encoder);
        var length = graph.Node("Shape", [ids], ("start", 1), ("end", 2));
        var zero = graph.Constant(Tensor.FromInt64([0], [1]));
        states = graph.Node("Add", [states, graph.Node("Slice", [Rows(graph, text.Positions), zero, length, zero])]);
        foreach (var layer in text.Layers)
            states = blocks.Encode(states, layer, text.Activation, true, precision.Encoder);
        // The end token has the highest id: there the tower pools.
        var end = graph.Node("ArgMax", [ids], ("axis", 1), ("keepdims", true));
        var token = graph.Node("GatherND", [states, end], ("batch_dims", 1));
        var embedding = blocks.Linears.Apply(blocks.Norm(token, text.FinalNorm), new Linear(text.Projection, null), LinearFormat.Float);
        graph.Output(embedding, "text_embeds", ElementType.Float, "batch", text.Projection.Columns);
        return graph.Build();
    }

    private static string Rows(GraphBuilder graph, Matrix matrix) =>
        graph.Constant(Tensor.FromFloats(matrix.Values, [matrix.Rows, matrix.Columns]));
}
