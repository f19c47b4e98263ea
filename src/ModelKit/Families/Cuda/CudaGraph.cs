using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Families.Cuda;

/// <summary>A graph for ONNX Runtime's CUDA provider: constants in its number format, and the operators that the towers share.</summary>
/// <param name="type">Float16 or Float.</param>
internal sealed class CudaGraph(ElementType type)
{
    private const float LargestHalf = 65504;

    private readonly Dictionary<float[], string> _constants = new(ReferenceEqualityComparer.Instance);

    /// <summary>The builder underneath.</summary>
    public GraphBuilder Builder { get; } = new();

    /// <summary>The number format of weights and states.</summary>
    public ElementType Type { get; } = type;

    /// <summary>A vector.</summary>
    public string Vector(float[] values) => Constant(values, [values.Length]);

    /// <summary>A matrix.</summary>
    public string Weight(Matrix matrix) => Constant(matrix.Values, [matrix.Rows, matrix.Columns]);

    /// <summary>A tensor of floats; the same array becomes the same constant.</summary>
    /// <exception cref="InvalidDataException">A value is outside the range of the number format.</exception>
    public string Constant(float[] values, ReadOnlySpan<long> dims)
    {
        if (_constants.TryGetValue(values, out var known))
            return known;
        var limit = Type == ElementType.Float16 ? LargestHalf : float.MaxValue;
        foreach (var value in values)
        {
            if (!(Math.Abs(value) <= limit))
                throw new InvalidDataException($"a weight is {value}, which {(Type == ElementType.Float16 ? "16-bit floats can't hold: use fp32" : "is no number")}");
        }

        var name = Builder.Constant(Tensor.FromFloats(values, dims, Type));
        _constants.Add(values, name);
        return name;
    }

    /// <summary>Integers, for shapes, axes and indices.</summary>
    public string Integers(params ReadOnlySpan<long> values) =>
        Builder.Constant(Tensor.FromInt64(values, [values.Length]), $"int64_{string.Join('_', values.ToArray()).Replace('-', 'm')}");

    /// <summary>x * weight.</summary>
    public string MatMul(string x, Matrix weight) => Builder.Node("MatMul", [x, Weight(weight)]);

    /// <summary>x * weight + bias, where there is a bias.</summary>
    public string Linear(string x, Linear linear)
    {
        var product = MatMul(x, linear.Weight);
        return linear.Bias is null ? product : Builder.Node("Add", [product, Vector(linear.Bias)]);
    }

    /// <summary>A layer norm by itself.</summary>
    public string Norm(string x, LayerNorm norm) =>
        Builder.Node("LayerNormalization", [x, Vector(norm.Gamma), Vector(norm.Beta)], ("axis", -1), ("epsilon", norm.Epsilon));

    /// <summary>residual = x + skip + bias; its norm.</summary>
    /// <returns>The norm, and the residual for the next block.</returns>
    public (string Normed, string Residual) SkipNorm(string x, string skip, LayerNorm norm, float[]? bias)
    {
        var outputs = Builder.Nodes(
            "SkipLayerNormalization", GraphBuilder.MicrosoftDomain, SkipInputs(x, skip, norm, bias), [true, false, false, true], ("epsilon", norm.Epsilon));
        return (outputs[0], outputs[3]);
    }

    /// <summary>The norm of x + skip + bias, where nothing comes after that needs the sum.</summary>
    public string LastNorm(string x, string skip, LayerNorm norm, float[]? bias) =>
        Builder.Microsoft("SkipLayerNormalization", SkipInputs(x, skip, norm, bias), ("epsilon", norm.Epsilon));

    /// <summary>Attention of [rows, queries, heads * size] to keys and values of [rows, positions, heads * size], without a mask to all.</summary>
    public string Attention(string query, string key, string value, int heads, bool causal = false, string? keyMask = null) => Builder.Microsoft(
        "MultiHeadAttention",
        keyMask is null ? [query, key, value] : [query, key, value, "", keyMask],
        ("num_heads", heads), ("unidirectional", causal));

    /// <summary>activation(x * up + bias).</summary>
    public string Activate(string x, Linear up, Activation activation)
    {
        var number = activation switch { Activation.Gelu => 1, Activation.GeluTanh => 2, Activation.QuickGelu => 3, _ => 0 };
        if (number > 0 && FusedNodes.TakesLinear(this, up))
            return FusedNodes.Linear(this, x, up, number);
        switch (activation)
        {
            case Activation.Gelu:
                return Builder.Microsoft("BiasGelu", [MatMul(x, up.Weight), Vector(up.Bias ?? new float[up.Outputs])]);
            case Activation.GeluTanh:
                return Builder.Microsoft("FastGelu", up.Bias is null ? [MatMul(x, up.Weight)] : [MatMul(x, up.Weight), Vector(up.Bias)]);
            case Activation.QuickGelu:
                return Builder.Microsoft("QuickGelu", [Linear(x, up)], ("alpha", 1.702f));
            default:
                return Builder.Node("Relu", [Linear(x, up)]);
        }
    }

    private string[] SkipInputs(string x, string skip, LayerNorm norm, float[]? bias) => bias is null
        ? [x, skip, Vector(norm.Gamma), Vector(norm.Beta)]
        : [x, skip, Vector(norm.Gamma), Vector(norm.Beta), Vector(bias)];
}
