using VlWorker.ModelKit.Onnx;

namespace VlWorker.ModelKit.Quantization.HalfPrecision;

/// <summary>
/// Which outputs of a node are 32-bit floats, by its operator and its inputs. Shapes are of no interest, so this is all that is inferred.
/// </summary>
internal static class FloatValues
{
    private static readonly HashSet<string> NeverFloat = new(StringComparer.Ordinal)
    {
        "Shape", "Size", "NonZero", "ArgMax", "ArgMin", "Equal", "Greater", "Less", "GreaterOrEqual", "LessOrEqual", "And", "Or", "Not", "Xor",
        "IsNaN", "IsInf", "QuantizeLinear", "MatMulInteger", "ConvInteger", "NonMaxSuppression", "StringNormalizer", "BitShift",
    };

    /// <summary>Operators that exist for 32-bit floats only, or of whose inputs some always are.</summary>
    private static readonly HashSet<string> AlwaysFull = new(StringComparer.Ordinal)
    {
        "Range", "Resize", "Upsample", "NonMaxSuppression", "RoiAlign", "DynamicQuantizeLinear", "QuantizeLinear", "DequantizeLinear", "IsInf", "CumSum",
        "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Multinomial", "EyeLike", "GatherBlockQuantized", "CastLike", "Mod",
    };

    /// <summary>Whether a node computes in 32 bits whatever its values are.</summary>
    public static bool IsAlwaysFull(NodeProto node) => AlwaysFull.Contains(node.OpType);

    /// <summary>For each output of a node whether it is a 32-bit float.</summary>
    /// <param name="node">The node; none that holds graphs.</param>
    /// <param name="isFloat">Whether a value is one.</param>
    public static bool[] Outputs(NodeProto node, Func<string, bool> isFloat)
    {
        var outputs = new bool[node.Output.Count];
        if (NeverFloat.Contains(node.OpType) || outputs.Length == 0)
            return outputs;
        var first = First(node, isFloat);
        for (var i = 0; i < outputs.Length; i++)
            outputs[i] = first && (i == 0 || !HasOtherOutputs(node.OpType));
        if (node.OpType == "DynamicQuantizeLinear")
            (outputs[0], outputs[1], outputs[2]) = (false, true, false);
        return outputs;
    }

    private static bool First(NodeProto node, Func<string, bool> isFloat) => node.OpType switch
    {
        "Cast" => To(node) == ElementType.Float,
        "Constant" => node.Attribute.Any(attribute => attribute.Name is "value_float" or "value_floats"
            || (ElementType?)attribute.T?.DataType == ElementType.Float),
        "ConstantOfShape" => node.Attribute.FirstOrDefault(attribute => attribute.Name == "value")?.T is not { } value
            || (ElementType)value.DataType == ElementType.Float,
        "EyeLike" or "RandomNormal" or "RandomUniform" => true,
        "DynamicQuantizeLinear" or "DequantizeLinear" or "GatherBlockQuantized" => true,
        "Where" or "CastLike" => Input(node, 1, isFloat),
        "OneHot" => Input(node, 2, isFloat),
        _ => Input(node, 0, isFloat),
    };

    /// <summary>The type that a Cast gives.</summary>
    public static ElementType To(NodeProto node) => (ElementType)(node.Attribute.FirstOrDefault(attribute => attribute.Name == "to")?.I ?? 0);

    private static bool HasOtherOutputs(string op) => op is "TopK" or "Unique" or "Dropout" or "MaxPool" or "LayerNormalization";

    private static bool Input(NodeProto node, int index, Func<string, bool> isFloat) => node.Input.Count > index && isFloat(node.Input[index]);
}
