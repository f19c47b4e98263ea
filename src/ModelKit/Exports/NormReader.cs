using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Exports;

/// <summary>A norm found in a graph.</summary>
/// <param name="Input">The value it is applied to.</param>
/// <param name="Norm">Its parameters.</param>
internal sealed record NormMatch(string Input, LayerNorm Norm);

/// <summary>Finds layer norms: the operator, or what exporters before opset 17 wrote in its place.</summary>
internal sealed class NormReader(ExportedGraph graph)
{
    /// <summary>The norm whose output a value is, but for its shape; null if it is none.</summary>
    public NormMatch? Find(string value) => graph.Origin(value) switch
    {
        { Op: "LayerNormalization" } node => Operator(node),
        { Op: "Add" } node => Decomposed(node),
        _ => null,
    };

    private NormMatch? Operator(GraphNode node)
    {
        if (graph.Constants.Find(node.Input(1)) is not { } gamma)
            return null;
        var beta = node.Input(2).Length == 0 ? null : graph.Constants.Find(node.Input(2));
        return new NormMatch(node.Input(0), new LayerNorm(gamma.Read(), beta?.Read() ?? new float[gamma.Count], node.Float("epsilon", 1e-5f)));
    }

    // Add(Mul(Div(x - mean, Sqrt(variance + epsilon)), gamma), beta), the operands of Add and Mul in any order.
    private NormMatch? Decomposed(GraphNode add)
    {
        if (WithConstant(add) is not var (scaled, beta) || graph.Origin(scaled) is not { Op: "Mul" } mul)
            return null;
        if (WithConstant(mul) is not var (normal, gamma) || gamma.Count != beta.Count || gamma.IsScalar)
            return null;
        return Normalised(graph.Origin(normal)) is var (input, epsilon)
            ? new NormMatch(input, new LayerNorm(gamma.Read(), beta.Read(), epsilon)) : null;
    }

    private (string Input, float Epsilon)? Normalised(GraphNode? node)
    {
        if (node is not { Op: "Div" } || graph.Origin(node.Input(0)) is not { Op: "Sub" } centred
            || graph.Origin(node.Input(1)) is not { Op: "Sqrt" } root || graph.Origin(root.Input(0)) is not { Op: "Add" } sum)
            return null;
        if (WithConstant(sum) is not var (variance, epsilon) || !epsilon.IsScalar || graph.Origin(variance) is not { Op: "ReduceMean" })
            return null;
        var input = graph.Skip(centred.Input(0));
        return graph.Origin(centred.Input(1)) is { Op: "ReduceMean" } mean && graph.Skip(mean.Input(0)) == input
            ? (input, epsilon.Read()[0]) : null;
    }

    private (string Other, Folded Constant)? WithConstant(GraphNode node) =>
        graph.Constants.Find(node.Input(1)) is { } right ? (node.Input(0), right)
        : graph.Constants.Find(node.Input(0)) is { } left ? (node.Input(1), left) : null;
}
