using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Exports;

/// <summary>Activations and the functions that exporters make them of, for one number.</summary>
internal static class ActivationMath
{
    /// <summary>An activation's value.</summary>
    public static float Apply(Activation activation, float x) => activation switch
    {
        Activation.Gelu => 0.5f * x * (1 + Erf(x / MathF.Sqrt(2))),
        Activation.GeluTanh => 0.5f * x * (1 + MathF.Tanh(MathF.Sqrt(2 / MathF.PI) * (x + (0.044715f * x * x * x)))),
        Activation.QuickGelu => x * Sigmoid(1.702f * x),
        _ => MathF.Max(x, 0),
    };

    /// <summary>The value of an operator with one input; null if it is none of those that occur in activations.</summary>
    public static float? Unary(GraphNode node, float x) => node.Op switch
    {
        "Erf" => Erf(x),
        "Tanh" => MathF.Tanh(x),
        "Sigmoid" => Sigmoid(x),
        "Sqrt" => MathF.Sqrt(x),
        "Neg" => -x,
        "Exp" => MathF.Exp(x),
        "Reciprocal" => 1 / x,
        "Relu" => MathF.Max(x, 0),
        "Gelu" => Apply(node.Word("approximate", "none") == "tanh" ? Activation.GeluTanh : Activation.Gelu, x),
        "QuickGelu" => x * Sigmoid(node.Float("alpha", 1.702f) * x),
        _ => null,
    };

    private static float Sigmoid(float x) => 1 / (1 + MathF.Exp(-x));

    // The Taylor series, in doubles: right to 1e-9 for the small arguments that occur here.
    private static float Erf(float x)
    {
        var (sum, term) = ((double)x, (double)x);
        for (var n = 1; n < 60; n++)
        {
            term *= -(double)x * x / n;
            sum += term / ((2 * n) + 1);
        }

        return (float)(2 / Math.Sqrt(Math.PI) * sum);
    }
}
