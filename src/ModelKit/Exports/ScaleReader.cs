namespace VlWorker.ModelKit.Exports;

/// <summary>Reads the factor by which attention scores are scaled, a constant or one computed from the width of a head.</summary>
internal sealed class ScaleReader(ExportedGraph graph, int headSize)
{
    private const int Deepest = 12;

    /// <summary>The factor that an operand of a Mul or Div stands for; null if it is not followed.</summary>
    public float? Factor(GraphNode node, int operand) => Number(node.Input(operand), Deepest) is { } number ? node.Op == "Div" ? 1 / number : number : null;

    private float? Number(string value, int depth)
    {
        var at = graph.Skip(value);
        if (graph.Constants.Scalar(at) is { } constant)
            return constant;
        if (depth == 0 || graph.Producer(at) is not { } node)
            return null;
        if (node.Op is "Slice" or "Gather" && graph.Origin(node.Input(0)) is { Op: "Shape" })
            return graph.Constants.Integers(node.Input(1)) is [-1 or 3] ? headSize : null;
        if (Number(node.Input(0), depth - 1) is not { } first)
            return null;
        return node.Op switch
        {
            "Sqrt" => MathF.Sqrt(first),
            "Reciprocal" => 1 / first,
            "Pow" => Number(node.Input(1), depth - 1) is { } power ? MathF.Pow(first, power) : null,
            "Mul" => first * Number(node.Input(1), depth - 1),
            "Div" => first / Number(node.Input(1), depth - 1),
            _ => null,
        };
    }
}
