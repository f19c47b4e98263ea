using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Tests.Exports;

/// <summary>Writes the parts of a block as an exporter of the given dialect would.</summary>
internal sealed class DialectWriter(Dialect dialect)
{
    private readonly AttentionWriter _attention = new();
    private int _names;

    public GraphBuilder Graph { get; } = new();

    /// <summary>A constant: an initializer with or without a telling name, or a node.</summary>
    public string Constant(Tensor tensor, string name) => dialect.ConstantNodes
        ? Graph.Node("Constant", [], ("value", tensor))
        : Graph.Constant(tensor, dialect.Anonymous ? $"onnx::MatMul_{_names++}" : $"{name}.{_names++}");

    public string Vector(float[] values, string name) => Constant(Tensor.FromFloats(values, [values.Length]), name);

    public string Weight(Matrix matrix, string name) => Constant(Tensor.FromFloats(matrix.Values, [matrix.Rows, matrix.Columns]), name);

    public string Scalar(float value) => Constant(Tensor.Scalar(value), "scalar");

    /// <summary>What moves data and changes nothing.</summary>
    public string Plumb(string value) => dialect.Casts
        ? Graph.Node("Identity", [Graph.Node("Cast", [Graph.Node("Reshape", [value, Constant(Tensor.FromInt64([0, 0, -1], [3]), "shape")]),], ("to", 1))])
        : value;

    public string Linear(string x, Linear linear, string name)
    {
        x = Plumb(x);
        var bias = linear.Bias is { } values ? Vector(values, name + ".bias") : null;
        if (dialect.Linear is LinearForm.Gemm or LinearForm.GemmTransposed)
        {
            var transposed = dialect.Linear == LinearForm.GemmTransposed;
            var weight = Weight(transposed ? linear.Weight.Transpose() : linear.Weight, name + ".weight");
            return Plumb(Graph.Node("Gemm", bias is null ? [x, weight] : [x, weight, bias], ("transB", transposed ? 1 : 0)));
        }

        var product = dialect.Linear switch
        {
            LinearForm.TransposedInGraph => Graph.Node("MatMul", [x, Graph.Node("Transpose", [Weight(linear.Weight.Transpose(), name + ".weight")], ("perm", new[] { 1, 0 }))]),
            LinearForm.FusedTransposed => Graph.Microsoft("FusedMatMul", [x, Weight(linear.Weight.Transpose(), name + ".weight")], ("transB", 1)),
            _ => Graph.Node("MatMul", [x, Weight(linear.Weight, name + ".weight")]),
        };
        return bias is null ? product : dialect.Linear == LinearForm.AddMatMul ? Graph.Node("Add", [bias, product]) : Graph.Node("Add", [product, bias]);
    }

    /// <summary>A norm.</summary>
    /// <returns>The normed value, and the residual stream, which a fused norm gives out.</returns>
    public (string Normed, string Residual) Norm(string x, LayerNorm norm, string? added = null)
    {
        var (gamma, beta) = (Vector(norm.Gamma, "norm.weight"), Vector(norm.Beta, "norm.bias"));
        if (added is not null && dialect.Norm == NormForm.SkipFused)
        {
            var outputs = Graph.Nodes(
                "SkipLayerNormalization", GraphBuilder.MicrosoftDomain, [x, added, gamma, beta], [true, false, false, true], ("epsilon", norm.Epsilon));
            return (outputs[0], outputs[3]);
        }

        if (added is not null)
            x = Graph.Node("Add", [added, x]);
        return (dialect.Norm == NormForm.Decomposed ? Decomposed(x, norm.Epsilon, gamma, beta)
            : Graph.Node("LayerNormalization", [x, gamma, beta], ("axis", -1), ("epsilon", norm.Epsilon)), x);
    }

    /// <summary>The feed-forward part on what is normed; what it gives is to be added to the stream.</summary>
    public string Feed(string normed, Linear up, Linear down, Activation activation)
    {
        if (dialect.Gelu == GeluForm.BiasFused && activation is Activation.Gelu or Activation.GeluTanh)
        {
            var product = Linear(normed, up with { Bias = null }, "up");
            return Linear(Graph.Microsoft(activation == Activation.Gelu ? "BiasGelu" : "FastGelu", [product, Vector(up.Bias!, "up.bias")]), down, "down");
        }

        return Linear(Plumb(Activate(Linear(normed, up, "up"), activation)), down, "down");
    }

    /// <summary>An attention; keys and values may be made of other states.</summary>
    public string Attend(string normed, string source, (Linear Query, Linear Key, Linear Value, Linear Output) layers, int heads, int headSize) =>
        Linear(_attention.Write(this, dialect, normed, source, layers, heads, headSize), layers.Output, "output");

    private string Activate(string x, Activation activation)
    {
        if (activation == Activation.QuickGelu)
            return Graph.Node("Mul", [x, Graph.Node("Sigmoid", [Graph.Node("Mul", [x, Scalar(1.702f)])])]);
        if (dialect.Gelu == GeluForm.Operator)
            return Graph.Node("Gelu", [x], ("approximate", activation == Activation.Gelu ? "none" : "tanh"));
        if (activation == Activation.Gelu)
        {
            var erf = Graph.Node("Erf", [Graph.Node("Div", [x, Scalar(MathF.Sqrt(2))])]);
            return Graph.Node("Mul", [Graph.Node("Mul", [x, Graph.Node("Add", [erf, Scalar(1)])]), Scalar(0.5f)]);
        }

        var cube = Graph.Node("Mul", [Graph.Node("Pow", [x, Scalar(3)]), Scalar(0.044715f)]);
        var tanh = Graph.Node("Tanh", [Graph.Node("Mul", [Graph.Node("Add", [x, cube]), Scalar(0.7978846f)])]);
        return Graph.Node("Mul", [Graph.Node("Mul", [x, Scalar(0.5f)]), Graph.Node("Add", [tanh, Scalar(1)])]);
    }

    private string Decomposed(string x, float epsilon, string gamma, string beta)
    {
        var axes = Constant(Tensor.FromInt64([-1], [1]), "axes");
        var centred = Graph.Node("Sub", [x, Graph.Node("ReduceMean", [x, axes])]);
        var variance = Graph.Node("ReduceMean", [Graph.Node("Pow", [centred, Scalar(2)]), axes]);
        var normal = Graph.Node("Div", [centred, Graph.Node("Sqrt", [Graph.Node("Add", [variance, Scalar(epsilon)])])]);
        return Graph.Node("Add", [Graph.Node("Mul", [normal, gamma]), beta]);
    }
}
