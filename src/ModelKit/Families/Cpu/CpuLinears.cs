using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Families.Cpu;

/// <summary>Linear layers of a graph for the CPU.</summary>
/// <param name="graph">The graph.</param>
internal sealed class CpuLinears(GraphBuilder graph)
{
    private readonly Dictionary<string, string[]> _quantized = new(StringComparer.Ordinal);

    /// <summary>input * weight + bias.</summary>
    /// <param name="input">[..., in].</param>
    /// <param name="layer">The layer.</param>
    /// <param name="format">How it is computed.</param>
    /// <returns>[..., out].</returns>
    public string Apply(string input, Linear layer, LinearFormat format) => format switch
    {
        LinearFormat.Int8 => ApplyInt8(input, layer),
        LinearFormat.Int8Rows => ApplyRows(input, layer.Weight.Transpose(), layer.Bias),
        _ => ApplyFloat(input, layer),
    };

    /// <summary>input * transpose(weight), as a model's head stores it.</summary>
    /// <param name="input">[..., in].</param>
    /// <param name="weight">[out, in].</param>
    /// <param name="format">How it is computed.</param>
    /// <returns>[..., out].</returns>
    public string ApplyTransposed(string input, Matrix weight, LinearFormat format) => format == LinearFormat.Int8Rows
        ? ApplyRows(input, weight, null)
        : Apply(input, new Linear(weight.Transpose(), null), format);

    /// <summary>8-bit integers, taken as value - <paramref name="zero"/>, times a weight, plus nothing.</summary>
    /// <param name="input">uint8 [..., in].</param>
    /// <param name="zero">The integer that stands for zero.</param>
    /// <param name="weight">[in, out].</param>
    /// <param name="format">How it is computed; the integers themselves are exact in all formats.</param>
    /// <returns>float [..., out].</returns>
    public string ApplyToIntegers(string input, byte zero, Matrix weight, LinearFormat format)
    {
        if (format == LinearFormat.Float)
        {
            var floats = graph.Node("Cast", [input], ("to", ElementType.Float));
            floats = graph.Node("Sub", [floats, graph.Constant(Tensor.Scalar((float)zero))]);
            return ApplyFloat(floats, new Linear(weight, null));
        }

        var (values, scales) = Int8Weights.ByOutput(weight);
        return graph.Microsoft(
            "MatMulIntegerToFloat",
            [input, graph.Constant(values), graph.Constant(Tensor.Scalar(1f)), graph.Constant(scales), graph.Constant(Tensor.Scalar(zero))]);
    }

    private string ApplyFloat(string input, Linear layer)
    {
        var product = graph.Node("MatMul", [input, graph.Constant(Tensor.FromFloats(layer.Weight.Values, [layer.Inputs, layer.Outputs]))]);
        return layer.Bias is null ? product : graph.Node("Add", [product, Bias(layer.Bias)]);
    }

    private string ApplyInt8(string input, Linear layer)
    {
        // Layers with the same input share its integers.
        if (!_quantized.TryGetValue(input, out var integers))
            _quantized.Add(input, integers = graph.Nodes("DynamicQuantizeLinear", "", [input], [true, true, true]));
        var (values, scales) = Int8Weights.ByOutput(layer.Weight);
        string[] inputs = [integers[0], graph.Constant(values), integers[1], graph.Constant(scales), integers[2], ""];
        return graph.Microsoft("MatMulIntegerToFloat", layer.Bias is null ? inputs[..5] : [.. inputs, Bias(layer.Bias)]);
    }

    private string ApplyRows(string input, Matrix transposed, float[]? bias)
    {
        var block = BlockOf(transposed.Columns);
        var (values, scales) = Int8Weights.ByBlock(transposed, block);
        string[] inputs = [input, graph.Constant(values), graph.Constant(scales), "", ""];
        return graph.Microsoft(
            "MatMulNBits",
            bias is null ? inputs[..3] : [.. inputs, Bias(bias)],
            ("K", transposed.Columns),
            ("N", transposed.Rows),
            ("bits", 8),
            ("block_size", block),
            ("accuracy_level", 4)); // the input in 8 bits too
    }

    // Larger blocks are faster; what is filled up would be multiplied in vain.
    private static int BlockOf(int inputs) => inputs % 128 == 0 ? 128 : inputs % 64 == 0 ? 64 : 32;

    private string Bias(float[] values) => graph.Constant(Tensor.FromFloats(values, [values.Length]));
}
