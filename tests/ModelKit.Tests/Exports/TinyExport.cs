using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Tests.Exports;

/// <summary>Whole graphs in a dialect, with the inputs and outputs of the Hub's exports.</summary>
internal static class TinyExport
{
    public static OnnxModel Encoder(VisionParameters vision, Dialect dialect)
    {
        var writer = new DialectWriter(dialect);
        var (stream, added) = Blocks(writer, Images(writer, vision), vision.Layers, vision.Activation);
        writer.Graph.Output(writer.Norm(stream, vision.FinalNorm, added).Normed, "last_hidden_state", ElementType.Float, "batch", "positions", vision.HiddenSize);
        return writer.Graph.Build();
    }

    public static OnnxModel Decoder(VisionEncoderDecoderParameters model, Dialect dialect)
    {
        var writer = new DialectWriter(dialect);
        var (graph, decoder) = (writer.Graph, model.Decoder);
        var ids = graph.Input("input_ids", ElementType.Int64, "batch", "sequence");
        var states = graph.Input("encoder_hidden_states", ElementType.Float, "batch", "positions", model.Encoder.HiddenSize);
        if (model.EncoderToDecoder is { } between)
            states = writer.Linear(states, between, "enc_to_dec_proj");
        var (stream, added) = (Texts(writer, ids, decoder.TokenEmbedding, decoder.Positions), (string?)null);
        foreach (var layer in decoder.Layers)
        {
            string normed;
            (normed, stream) = writer.Norm(stream, layer.Norm1, added);
            added = writer.Attend(normed, normed, (layer.Query, layer.Key, layer.Value, layer.Output), layer.Heads, layer.HeadSize);
            (normed, stream) = writer.Norm(stream, layer.CrossNorm, added);
            added = writer.Attend(normed, states, (layer.CrossQuery, layer.CrossKey, layer.CrossValue, layer.CrossOutput), layer.CrossHeads, layer.HeadSize);
            (normed, stream) = writer.Norm(stream, layer.Norm2, added);
            added = writer.Feed(normed, layer.Up, layer.Down, decoder.Activation);
        }

        var final = writer.Norm(stream, decoder.FinalNorm, added).Normed;
        var head = (decoder.Head ?? decoder.TokenEmbedding).Transpose();
        graph.Output(writer.Linear(final, new Linear(head, null), "lm_head"), "logits", ElementType.Float, "batch", "sequence", decoder.Vocabulary);
        return graph.Build();
    }

    public static OnnxModel ClipVision(VisionParameters vision, Dialect dialect)
    {
        var writer = new DialectWriter(dialect);
        var first = writer.Norm(Images(writer, vision), vision.PreNorm!).Normed;
        var (stream, added) = Blocks(writer, first, vision.Layers, vision.Activation);
        stream = writer.Graph.Node("Add", [stream, added]);
        var token = writer.Graph.Node("Gather", [stream, writer.Constant(Tensor.Scalar(0L), "first")], ("axis", 1));
        var normed = writer.Norm(token, vision.FinalNorm).Normed;
        writer.Graph.Output(writer.Linear(normed, new Linear(vision.Projection!, null), "visual_projection"), "image_embeds", ElementType.Float, "batch", vision.Projection!.Columns);
        return writer.Graph.Build();
    }

    public static OnnxModel ClipText(TextParameters text, Dialect dialect)
    {
        var writer = new DialectWriter(dialect);
        var graph = writer.Graph;
        var ids = graph.Input("input_ids", ElementType.Int64, "batch", "sequence");
        var (stream, added) = Blocks(writer, Texts(writer, ids, text.TokenEmbedding, text.Positions), text.Layers, text.Activation);
        var normed = writer.Norm(stream, text.FinalNorm, added).Normed;
        var end = graph.Node("ArgMax", [ids], ("axis", -1), ("keepdims", 1));
        var pooled = graph.Node("GatherND", [normed, end], ("batch_dims", 1));
        graph.Output(writer.Linear(pooled, new Linear(text.Projection, null), "text_projection"), "text_embeds", ElementType.Float, "batch", text.Projection.Columns);
        return graph.Build();
    }

    // The last part is not added yet: a fused norm adds it.
    private static (string Stream, string Added) Blocks(DialectWriter writer, string stream, IReadOnlyList<EncoderLayer> layers, Activation activation)
    {
        string? added = null;
        foreach (var layer in layers)
        {
            string normed;
            (normed, stream) = writer.Norm(stream, layer.Norm1, added);
            added = writer.Attend(normed, normed, (layer.Query, layer.Key, layer.Value, layer.Output), layer.Heads, layer.HeadSize);
            (normed, stream) = writer.Norm(stream, layer.Norm2, added);
            added = writer.Feed(normed, layer.Up, layer.Down, activation);
        }

        return (stream, added!);
    }

    private static string Images(DialectWriter writer, VisionParameters vision)
    {
        var graph = writer.Graph;
        var pixels = graph.Input("pixel_values", ElementType.Float, "batch", 3, vision.ImageHeight, vision.ImageWidth);
        var size = vision.PatchSize;
        var weight = writer.Constant(Tensor.FromFloats(vision.PatchProjection.Transpose().Values, [vision.HiddenSize, 3, size, size]), "patches");
        string[] inputs = vision.PatchBias is { } bias ? [pixels, weight, writer.Vector(bias, "patches.bias")] : [pixels, weight];
        var patches = graph.Node("Conv", inputs, ("kernel_shape", new[] { size, size }), ("strides", new[] { size, size }));
        patches = graph.Node("Transpose", [graph.Node("Reshape", [patches, writer.Constant(Tensor.FromInt64([0, 0, -1], [3]), "shape")])], ("perm", new[] { 0, 2, 1 }));
        var token = writer.Constant(Tensor.FromFloats(vision.ClassToken, [1, 1, vision.HiddenSize]), "cls_token");
        token = graph.Node("Expand", [token, writer.Constant(Tensor.FromInt64([2, 1, vision.HiddenSize], [3]), "shape")]);
        var positions = writer.Constant(Tensor.FromFloats(vision.Positions.Values, [1, vision.Positions.Rows, vision.HiddenSize]), "positions");
        return graph.Node("Add", [graph.Node("Concat", [token, patches], ("axis", 1)), positions]);
    }

    private static string Texts(DialectWriter writer, string ids, Matrix tokens, Matrix positions)
    {
        var graph = writer.Graph;
        var rows = graph.Node("Range", [writer.Constant(Tensor.Scalar(0L), "from"), graph.Node("Size", [ids]), writer.Constant(Tensor.Scalar(1L), "step")]);
        return graph.Node("Add", [graph.Node("Gather", [writer.Weight(tokens, "wte"), ids]), graph.Node("Gather", [writer.Weight(positions, "wpe"), rows])]);
    }
}
