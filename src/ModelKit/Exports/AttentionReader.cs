using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Exports;

/// <summary>An attention found in a graph, without the layer behind it.</summary>
/// <param name="Query">The query's layer.</param>
/// <param name="Key">The key's layer.</param>
/// <param name="Value">The value's layer.</param>
/// <param name="Scale">By what scores are multiplied; null where the graph computes it in a way that is not followed.</param>
internal sealed record AttentionMatch(LinearMatch Query, LinearMatch Key, LinearMatch Value, float? Scale);

/// <summary>
/// Finds attentions: softmax between two products, with scales and masks on the way and a cache in front of keys and values; or the fused
/// operators of ONNX (opset 23) and of ONNX Runtime.
/// </summary>
/// <param name="graph">The graph.</param>
/// <param name="linears">Finds layers.</param>
/// <param name="headSize">Width of a head: old exporters compute the scale from the shape of the queries.</param>
internal sealed class AttentionReader(ExportedGraph graph, LinearReader linears, int headSize)
{
    private readonly ScaleReader _scales = new(graph, headSize);

    /// <summary>The attention whose output a value is, but for its shape; null if it is none.</summary>
    public AttentionMatch? Find(string value) => graph.Origin(value) switch
    {
        { Op: "MatMul" or "FusedMatMul" } node => Softmax(node),
        { Op: "Attention" } node => Fused(node, node.Input(0), node.Input(1), node.Input(2)),
        { Op: "MultiHeadAttention" } node => MultiHead(node),
        { Op: GraphNode.MicrosoftAttention } node => Packed(node),
        _ => null,
    };

    private AttentionMatch? Softmax(GraphNode node)
    {
        if (graph.Origin(node.Input(0)) is not { Op: "Softmax" } softmax || Scores(softmax.Input(0)) is not var (query, key, factor))
            return null;
        if (Operand(query) is not var (q, queryScale) || Operand(key) is not var (k, keyScale) || Operand(node.Input(1)) is not var (v, valueScale))
            return graph.Doubt<AttentionMatch>(softmax.Outputs[0], "query, key or value of the attention comes from no linear layer");
        return new AttentionMatch(q, k, valueScale is { } scale ? v.Scale(scale) : v, queryScale * keyScale * factor);
    }

    private AttentionMatch? Fused(GraphNode node, string query, string key, string value)
    {
        if (Operand(query) is not var (q, queryScale) || Operand(key) is not var (k, keyScale) || Operand(value) is not var (v, valueScale))
            return graph.Doubt<AttentionMatch>(node.Outputs[0], "query, key or value of the attention comes from no linear layer");
        var scale = node.Float("scale", 0) is var given && given != 0 ? given : 1 / MathF.Sqrt(headSize);
        return new AttentionMatch(q, k, valueScale is { } factor ? v.Scale(factor) : v, queryScale * keyScale * scale);
    }

    // Its bias is that of query, key and value, one behind the other.
    private AttentionMatch? MultiHead(GraphNode node)
    {
        if (node.Input(1).Length == 0 || node.Input(2).Length == 0 || Fused(node, node.Input(0), node.Input(1), node.Input(2)) is not { } match)
            return null;
        if (node.Input(3).Length == 0)
            return match;
        var (q, k, v) = (match.Query.Outputs, match.Key.Outputs, match.Value.Outputs);
        if (graph.Constants.Find(node.Input(3)) is not { } bias || bias.Count != q + k + v)
            return null;
        return match with
        {
            Query = match.Query.WithBias(() => bias.Read()[..q]),
            Key = match.Key.WithBias(() => bias.Read()[q..(q + k)]),
            Value = match.Value.WithBias(() => bias.Read()[(q + k)..]),
        };
    }

    // Input, one weight for query, key and value, one bias.
    private AttentionMatch? Packed(GraphNode node)
    {
        if (graph.Constants.Find(node.Input(1)) is not { IsMatrix: true } weight)
            return null;
        var sizes = node.Integers("qkv_hidden_sizes") ?? [weight.Columns / 3, weight.Columns / 3, weight.Columns / 3];
        if (sizes.Length != 3 || sizes.Sum() != weight.Columns)
            return null;
        var packed = new LinearMatch(node.Input(0), (int)(weight.Count / weight.Columns), weight.Columns, () => new Linear(weight.ToMatrix(), null));
        if (node.Input(2).Length > 0)
        {
            if (graph.Constants.Find(node.Input(2)) is not { } bias || bias.Count != weight.Columns)
                return null;
            packed = packed.WithBias(bias.Read);
        }

        var (q, k, v) = ((int)sizes[0], (int)sizes[1], (int)sizes[2]);
        var scale = node.Float("scale", 0) is var given && given != 0 ? given : 1 / MathF.Sqrt(headSize);
        return new AttentionMatch(packed.ColumnRange(0, q), packed.ColumnRange(q, k), packed.ColumnRange(q + k, v), scale);
    }

    // From the softmax back to the product of queries and keys, over scales and masks.
    private (string Query, string Key, float? Factor)? Scores(string value)
    {
        if (graph.Origin(value) is not { } node)
            return null;
        switch (node.Op)
        {
            case "MatMul" or "FusedMatMul":
                return (node.Input(0), node.Input(1), node.Float("alpha", 1));
            case "Add" or "Max" or "Clip":
                return Scores(node.Input(0)) ?? (node.Op == "Add" ? Scores(node.Input(1)) : null);
            case "Where":
                return Scores(node.Input(1)) ?? Scores(node.Input(2));
            case "Mul" or "Div":
                for (var side = 0; side < (node.Op == "Mul" ? 2 : 1); side++)
                {
                    if (Scores(node.Input(side)) is var (query, key, factor))
                        return (query, key, factor * _scales.Factor(node, 1 - side));
                }

                return null;
            default:
                return null;
        }
    }

    // The layer that queries, keys or values come from, over scales, rotations, and over the cache in front of new ones.
    private (LinearMatch Linear, float? Scale)? Operand(string value)
    {
        if (linears.Find(value) is { } linear)
            return (linear, 1);
        if (graph.Origin(value) is not { } node)
            return null;
        if (node.Op == "Add" && RotaryReader.Rotated(graph, node) is { } rotated)
            return Operand(rotated);
        for (var side = 0; side < (node.Op is "Mul" or "Concat" ? node.Inputs.Count : node.Op == "Div" ? 1 : 0); side++)
        {
            if (Operand(node.Input(side)) is var (found, scale))
                return (found, node.Op == "Concat" ? scale : scale * _scales.Factor(node, 1 - side));
        }

        return null;
    }
}
