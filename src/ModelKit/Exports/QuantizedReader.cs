using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Exports;

/// <summary>
/// Finds products with a quantised weight: MatMulInteger and ConvInteger between DynamicQuantizeLinear and the multiplication by the scales,
/// ONNX Runtime's fused forms of that, and MatMulNBits. The weights are dequantised: quantised again the same way they give the same integers.
/// </summary>
internal sealed class QuantizedReader(ExportedGraph graph)
{
    /// <summary>A linear layer; null if the node is no product with a quantised weight.</summary>
    public LinearMatch? Find(GraphNode node) => node.Op switch
    {
        "Mul" => Integer(node, "MatMulInteger") is var (input, weight) ? Linear(input, weight, string.Empty) : null,
        "DynamicQuantizeMatMul" => Weight(node, 1, 2, 3) is { } weight ? Linear(node.Input(0), weight, node.Input(4)) : null,
        "MatMulIntegerToFloat" => Weight(node, 1, 3, 5) is { } weight && Float(node.Input(0)) is { } input ? Linear(input, weight, node.Input(6)) : null,
        "MatMulNBits" => BlockQuantization.Read(node, graph.Initializer) is { } weight ? Linear(node.Input(0), weight, node.Input(5)) : null,
        _ => null,
    };

    /// <summary>The operands of Mul(Cast(operator(q(x), w)), s(x) * s(w)): x, and w dequantised; null if the node is something else.</summary>
    /// <param name="mul">The Mul.</param>
    /// <param name="op">MatMulInteger or ConvInteger.</param>
    public (string Input, Folded Weight)? Integer(GraphNode mul, string op)
    {
        for (var side = 0; side < 2; side++)
        {
            if (graph.Origin(mul.Input(side)) is { } product && product.Op == op && Float(product.Input(0)) is { } input
                && WeightScale(mul.Input(1 - side)) is { } scale && graph.Constants.Find(product.Input(1)) is { } q)
            {
                // MatMulInteger's scales go with the columns, ConvInteger's with the output channels, which come first.
                var axis = op == "ConvInteger" ? 0 : -1;
                var flat = scale.WithDims(scale.Count);
                return ConstantFolder.Dequantize(q, flat, graph.Constants.Find(product.Input(3)), axis) is { } weight ? (input, weight) : null;
            }
        }

        return null;
    }

    // The scales' product: one comes from the input, the other is constant.
    private Folded? WeightScale(string value)
    {
        if (graph.Origin(value) is not { Op: "Mul" } scales)
            return null;
        return graph.Constants.Find(scales.Input(1)) ?? graph.Constants.Find(scales.Input(0));
    }

    private string? Float(string quantized) => graph.Producer(quantized) is { Op: "DynamicQuantizeLinear" } node ? node.Input(0) : null;

    private Folded? Weight(GraphNode node, int q, int scale, int zero) =>
        graph.Constants.Find(node.Input(q)) is { IsMatrix: true } integers && graph.Constants.Find(node.Input(scale)) is { } scales
            ? ConstantFolder.Dequantize(integers, scales.WithDims(scales.Count), graph.Constants.Find(node.Input(zero)), -1) : null;

    private LinearMatch? Linear(string input, Folded weight, string bias)
    {
        var product = new LinearMatch(input, (int)(weight.Count / weight.Columns), weight.Columns, () => new Linear(weight.ToMatrix(), null));
        if (bias.Length == 0)
            return product;
        return graph.Constants.Find(bias) is { } vector && vector.Count == product.Outputs ? product.WithBias(vector.Read) : null;
    }
}
