using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Exports;

/// <summary>A norm by the root of the mean of the squares, found in a graph.</summary>
/// <param name="Input">The value it is applied to.</param>
/// <param name="Norm">Its parameters.</param>
internal sealed record RmsNormMatch(string Input, RmsNorm Norm);

/// <summary>Finds such norms: ONNX Runtime's and ONNX's operators, or what exporters write in their place.</summary>
internal sealed class RmsNormReader(ExportedGraph graph)
{
    /// <summary>The norm whose output a value is, but for its shape; null if it is none.</summary>
    public RmsNormMatch? Find(string value) => graph.Origin(value) switch
    {
        { Op: "SimplifiedLayerNormalization" or "RMSNormalization" } node when graph.Constants.Find(node.Input(1)) is { } gamma =>
            new RmsNormMatch(graph.Skip(node.Input(0)), new RmsNorm(gamma.Read(), node.Float("epsilon", 1e-5f))),
        { Op: "Mul" } node => Decomposed(node),
        _ => null,
    };

    // Mul(gamma, Mul(x, 1 / root)) or Mul(gamma, Div(x, root)), the operands of Mul in any order.
    private RmsNormMatch? Decomposed(GraphNode scaled)
    {
        for (var side = 0; side < 2; side++)
        {
            if (graph.Constants.Find(scaled.Input(side)) is not { IsVector: true, IsScalar: false } gamma || graph.Origin(scaled.Input(1 - side)) is not { } normal)
                continue;
            for (var of = 0; of < (normal.Op == "Mul" ? 2 : normal.Op == "Div" ? 1 : 0); of++)
            {
                var root = normal.Op == "Div" ? graph.Origin(normal.Input(1)) : Inverted(normal.Input(1 - of));
                if (root is { Op: "Sqrt" } && Epsilon(root, graph.Skip(normal.Input(of))) is { } epsilon)
                    return new RmsNormMatch(graph.Skip(normal.Input(of)), new RmsNorm(gamma.Read(), epsilon));
            }
        }

        return null;
    }

    private GraphNode? Inverted(string value) => graph.Origin(value) switch
    {
        { Op: "Div" } node when graph.Constants.Scalar(graph.Skip(node.Input(0))) is 1 => graph.Origin(node.Input(1)),
        { Op: "Reciprocal" } node => graph.Origin(node.Input(0)),
        _ => null,
    };

    // Sqrt(ReduceMean(x * x) + epsilon).
    private float? Epsilon(GraphNode root, string input)
    {
        if (graph.Origin(root.Input(0)) is not { Op: "Add" } sum)
            return null;
        for (var side = 0; side < 2; side++)
        {
            if (graph.Constants.Scalar(sum.Input(side)) is { } epsilon && graph.Origin(sum.Input(1 - side)) is { Op: "ReduceMean" } mean
                && graph.Origin(mean.Input(0)) is { Op: "Pow" or "Mul" } square && graph.Skip(square.Input(0)) == input
                && (square.Op == "Mul" ? graph.Skip(square.Input(1)) == input : graph.Constants.Scalar(square.Input(1)) is 2))
                return epsilon;
        }

        return null;
    }
}
