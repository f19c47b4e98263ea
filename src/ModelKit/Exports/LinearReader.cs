using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Exports;

/// <summary>
/// Finds linear layers: MatMul with a constant and an Add, Gemm, the quantised forms of both, and parts of a packed layer (Split, Slice, Gather).
/// </summary>
internal sealed class LinearReader(ExportedGraph graph)
{
    private readonly QuantizedReader _quantized = new(graph);
    private readonly PackedSlices _slices = new(graph);

    /// <summary>The layer whose output a value is, but for its shape; null if it is none.</summary>
    public LinearMatch? Find(string value)
    {
        var at = graph.Skip(value);
        return graph.Producer(at) is not { } node ? null : node.Op switch
        {
            "MatMul" or "FusedMatMul" => MatMul(node),
            "Gemm" => Gemm(node),
            "Add" => Biased(node),
            "Split" => Split(node, at),
            "Slice" => Slice(node),
            "Gather" => OneOfSeveral(node),
            "Mul" => _quantized.Find(node) ?? Scaled(node),
            _ => _quantized.Find(node),
        };
    }

    private LinearMatch? MatMul(GraphNode node)
    {
        if (graph.Producer(node.Input(1)) is { Op: "Transpose" } && _slices.Find(node.Input(1)) is { IsMatrix: true } part)
            return Product(node.Input(0), part, true);
        if (graph.Constants.Find(node.Input(1)) is not { IsMatrix: true } weight || node.Integer("transA", 0) != 0)
            return null;
        return Product(node.Input(0), weight, node.Integer("transB", 0) != 0).Scale(node.Float("alpha", 1));
    }

    private LinearMatch? Gemm(GraphNode node)
    {
        if (graph.Constants.Find(node.Input(1)) is not { IsMatrix: true } weight || node.Integer("transA", 0) != 0)
            return null;
        var product = Product(node.Input(0), weight, node.Integer("transB", 0) != 0).Scale(node.Float("alpha", 1));
        if (node.Input(2).Length == 0)
            return product;
        return graph.Constants.Find(node.Input(2)) is { } bias && Fits(bias, product) ? Biased(product, bias, node.Float("beta", 1)) : null;
    }

    private LinearMatch? Biased(GraphNode node)
    {
        for (var side = 0; side < 2; side++)
        {
            if ((graph.Constants.Find(node.Input(side)) ?? _slices.Find(node.Input(side))) is { IsVector: true } bias
                && Find(node.Input(1 - side)) is { } product && Fits(bias, product))
                return Biased(product, bias, 1);
        }

        return null;
    }

    // DINOv2's layer scale: a factor for each output. One for all of them is the caller's to find.
    private LinearMatch? Scaled(GraphNode node)
    {
        for (var side = 0; side < 2; side++)
        {
            if (graph.Constants.Find(node.Input(side)) is { IsVector: true, IsScalar: false } factors
                && Find(node.Input(1 - side)) is { } product && factors.Count == product.Outputs)
                return product.Scale(factors.Read);
        }

        return null;
    }

    private LinearMatch? Split(GraphNode node, string output)
    {
        if (Find(node.Input(0)) is not { } packed)
            return null;
        var parts = node.Outputs.Count;
        var sizes = node.Integers("split") ?? graph.Constants.Integers(node.Input(1))
            ?? [.. Enumerable.Repeat((long)packed.Outputs / parts, parts)];
        // Along an axis that tells query, key and value apart after the columns were split into it.
        if (sizes.All(static size => size == 1) && packed.Outputs % parts == 0)
            sizes = [.. Enumerable.Repeat((long)packed.Outputs / parts, parts)];
        if (sizes.Sum() != packed.Outputs || sizes.Length != parts)
            return graph.Doubt<LinearMatch>(node.Outputs[0], $"a layer of {packed.Outputs} columns is split into {string.Join(", ", sizes)}");
        var index = node.Outputs.ToList().IndexOf(output);
        return packed.ColumnRange((int)sizes[..index].Sum(), (int)sizes[index]);
    }

    // Along the last axis; a slice along another one takes tokens, not columns, and is no part of a layer.
    private LinearMatch? Slice(GraphNode node)
    {
        if (graph.Constants.Integers(node.Input(1)) is not [var start] || graph.Constants.Integers(node.Input(2)) is not [var end])
            return null;
        var axis = graph.Constants.Integers(node.Input(3)) is [var given] ? given : 0;
        var step = graph.Constants.Integers(node.Input(4)) is [var stride] ? stride : 1;
        if (axis is not (-1 or 2) || step != 1 || Find(node.Input(0)) is not { } packed)
            return null;
        var first = Math.Clamp(start < 0 ? start + packed.Outputs : start, 0, packed.Outputs);
        var last = Math.Clamp(end < 0 ? end + packed.Outputs : end, 0, packed.Outputs);
        return first < last ? packed.ColumnRange((int)first, (int)(last - first)) : null;
    }

    // Query, key or value, where the columns of all three were split into [batch, tokens, 3, heads, size] and an index takes one; key or value,
    // where those of both were split into [1, tokens, batch, 2, columns].
    private LinearMatch? OneOfSeveral(GraphNode node)
    {
        var axis = node.Integer("axis", 0);
        var moved = graph.Producer(node.Input(0)) is { Op: "Squeeze" } squeeze ? graph.Producer(squeeze.Input(0)) : graph.Producer(node.Input(0));
        if (moved is not { Op: "Transpose" } transpose || transpose.Integers("perm") is not { Length: 5 } order || axis is < 0 or > 4)
            return null;
        var parts = order[axis] switch { 2 => 3, 3 => 2, _ => 0 };
        if (parts == 0 || graph.Constants.Integers(node.Input(1)) is not [>= 0 and var index] || index >= parts
            || Find(transpose.Input(0)) is not { } packed || packed.Outputs % parts != 0)
            return null;
        return packed.ColumnRange((int)index * (packed.Outputs / parts), packed.Outputs / parts);
    }

    private static LinearMatch Product(string input, Folded weight, bool transposed)
    {
        var (rows, columns) = ((int)(weight.Count / weight.Columns), weight.Columns);
        return transposed
            ? new LinearMatch(input, columns, rows, () => new Linear(weight.ToMatrix().Transpose(), null))
            : new LinearMatch(input, rows, columns, () => new Linear(weight.ToMatrix(), null));
    }

    private static bool Fits(Folded bias, LinearMatch product) => bias.IsVector && (bias.Count == product.Outputs || bias.IsScalar);

    private static LinearMatch Biased(LinearMatch product, Folded bias, float factor) =>
        product.WithBias(() => factor == 1 ? bias.Read() : Array.ConvertAll(bias.Read(), value => value * factor));
}
