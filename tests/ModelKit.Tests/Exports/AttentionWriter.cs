using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Tests.Exports;

/// <summary>Writes an attention as an exporter of a dialect would.</summary>
internal sealed class AttentionWriter
{
    public string Write(
        DialectWriter writer, Dialect dialect, string normed, string source, (Linear Query, Linear Key, Linear Value, Linear Output) layers, int heads,
        int headSize)
    {
        var graph = writer.Graph;
        var self = normed == source;
        switch (dialect.Attention)
        {
            case AttentionForm.MicrosoftPacked when self:
                var packed = Pack([layers.Query, layers.Key, layers.Value]);
                return graph.Microsoft(
                    "Attention", [normed, writer.Weight(packed.Weight, "qkv"), writer.Vector(packed.Bias!, "qkv.bias")], ("num_heads", heads));
            case AttentionForm.MultiHead or AttentionForm.MicrosoftPacked:
                var bias = writer.Vector([.. layers.Query.Bias!, .. layers.Key.Bias!, .. layers.Value.Bias!], "qkv.bias");
                return graph.Microsoft(
                    "MultiHeadAttention",
                    [
                        writer.Linear(normed, layers.Query with { Bias = null }, "q"), writer.Linear(source, layers.Key with { Bias = null }, "k"),
                        writer.Linear(source, layers.Value with { Bias = null }, "v"), bias,
                    ], ("num_heads", heads));
            case AttentionForm.Opset23:
                return graph.Node(
                    "Attention", [writer.Linear(normed, layers.Query, "q"), writer.Linear(source, layers.Key, "k"), writer.Linear(source, layers.Value, "v")],
                    ("q_num_heads", heads), ("kv_num_heads", heads));
        }

        string query, key, value;
        if (dialect.Attention == AttentionForm.Packed && self)
        {
            var width = layers.Query.Outputs;
            var split = graph.Nodes(
                "Split", "", [writer.Linear(normed, Pack([layers.Query, layers.Key, layers.Value]), "qkv"), writer.Constant(Tensor.FromInt64([width, width, width], [3]), "sizes")],
                [true, true, true], ("axis", 2));
            (query, key, value) = (split[0], split[1], split[2]);
        }
        else
        {
            (query, key, value) = (writer.Linear(normed, layers.Query, "q"), writer.Linear(source, layers.Key, "k"), writer.Linear(source, layers.Value, "v"));
        }

        return Softmax(writer, dialect, Heads(writer, query, heads, headSize), Heads(writer, key, heads, headSize), Heads(writer, value, heads, headSize), headSize);
    }

    private static string Softmax(DialectWriter writer, Dialect dialect, string query, string key, string value, int headSize)
    {
        var graph = writer.Graph;
        var transposed = graph.Node("Transpose", [key], ("perm", new[] { 0, 1, 3, 2 }));
        string scores;
        switch (dialect.Attention)
        {
            case AttentionForm.ScaledOperands:
                var root = MathF.Sqrt(1 / MathF.Sqrt(headSize));
                scores = graph.Node("MatMul", [graph.Node("Mul", [query, writer.Scalar(root)]), graph.Node("Mul", [transposed, writer.Scalar(root)])]);
                break;
            case AttentionForm.ScaledByShape:
                var last = graph.Node("Slice", [graph.Node("Shape", [query]), writer.Constant(Tensor.FromInt64([-1], [1]), "at"), writer.Constant(Tensor.FromInt64([long.MaxValue], [1]), "end")]);
                var scale = graph.Node("Div", [writer.Scalar(1), graph.Node("Sqrt", [graph.Node("Cast", [last], ("to", 1))])]);
                scores = graph.Node("MatMul", [graph.Node("Mul", [query, graph.Node("Sqrt", [scale])]), graph.Node("Mul", [transposed, graph.Node("Sqrt", [scale])])]);
                break;
            default:
                scores = graph.Node("Div", [graph.Node("MatMul", [query, transposed]), writer.Scalar(MathF.Sqrt(headSize))]);
                break;
        }

        var masked = graph.Node("Add", [scores, writer.Constant(Tensor.FromFloats(new float[4], [1, 1, 2, 2]), "mask")]);
        var context = graph.Node("MatMul", [graph.Node("Softmax", [masked], ("axis", -1)), value]);
        return graph.Node("Reshape", [graph.Node("Transpose", [context], ("perm", new[] { 0, 2, 1, 3 })), writer.Constant(Tensor.FromInt64([0, 0, -1], [3]), "shape")]);
    }

    private static string Heads(DialectWriter writer, string value, int heads, int headSize) => writer.Graph.Node(
        "Transpose", [writer.Graph.Node("Reshape", [value, writer.Constant(Tensor.FromInt64([0, 0, heads, headSize], [4]), "shape")])], ("perm", new[] { 0, 2, 1, 3 }));

    private static Linear Pack(Linear[] parts)
    {
        var rows = Enumerable.Range(0, parts[0].Inputs).SelectMany(row => parts.SelectMany(part => part.Weight.Row(row).ToArray()));
        var weight = new Matrix(parts[0].Inputs, parts.Sum(part => part.Outputs), [.. rows]);
        return new Linear(weight, parts[0].Bias is null ? null : [.. parts.SelectMany(part => part.Bias!)]);
    }
}
