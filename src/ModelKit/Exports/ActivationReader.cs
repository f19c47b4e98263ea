using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Exports;

/// <summary>An activation found in a graph.</summary>
/// <param name="Activation">Which.</param>
/// <param name="Before">The layer that it is applied to.</param>
internal sealed record ActivationMatch(Activation Activation, LinearMatch Before);

/// <summary>
/// Finds activations, however an exporter took them apart: the operators between a value and the linear layer in front of them are
/// computed for some numbers, and the results tell which function they are.
/// </summary>
internal sealed class ActivationReader(ExportedGraph graph, LinearReader linears)
{
    // The two kinds of GELU differ by up to 5e-4, at 2.7 the most; fp16 exports store their constants to 5e-4 relative.
    private const float Tolerance = 1e-4f;
    private const int Deepest = 24;

    private static readonly float[] Points = [-3.5f, -2.7f, -1.5f, -0.6f, 0, 0.4f, 1.1f, 2.2f, 2.7f, 3.4f];

    /// <summary>The activation whose output a value is; null if it is none.</summary>
    public ActivationMatch? Find(string value)
    {
        LinearMatch? before = null;
        string? leaf = null;
        var results = new float[Points.Length];
        for (var i = 0; i < Points.Length; i++)
        {
            if (Evaluate(value, Points[i], Deepest, ref leaf, ref before) is not { } result)
                return null;
            results[i] = result;
        }

        if (before is null || leaf == graph.Skip(value))
            return null;
        var nearest = Enum.GetValues<Activation>().MinBy(activation => Deviation(activation, results));
        return Deviation(nearest, results) <= Tolerance
            ? new ActivationMatch(nearest, before)
            : graph.Doubt<ActivationMatch>(value, "the operators compute no activation that is known");
    }

    private static float Deviation(Activation activation, float[] results) =>
        Points.Zip(results, (x, y) => MathF.Abs(ActivationMath.Apply(activation, x) - y)).Max();

    private float? Evaluate(string value, float point, int depth, ref string? leaf, ref LinearMatch? before)
    {
        var at = graph.Skip(value);
        if (at == leaf)
            return point;
        if (graph.Constants.Scalar(at) is { } constant)
            return constant;
        if (depth == 0 || graph.Producer(at) is not { } node)
            return null;
        if (linears.Find(at) is { } linear)
        {
            if (leaf is not null)
                return null; // two layers meet here: a gate, which is no plain activation
            (leaf, before) = (at, linear);
            return point;
        }

        if (Evaluate(node.Input(0), point, depth - 1, ref leaf, ref before) is not { } first)
            return null;
        if (ActivationMath.Unary(node, first) is { } unary)
            return unary;
        if (node.Inputs.Count < 2 || Evaluate(node.Input(1), point, depth - 1, ref leaf, ref before) is not { } second)
            return null;
        return node.Op switch
        {
            "Add" => first + second,
            "Sub" => first - second,
            "Mul" => first * second,
            "Div" => first / second,
            "Pow" => MathF.Pow(first, second),
            "Max" => MathF.Max(first, second),
            _ => null,
        };
    }
}
