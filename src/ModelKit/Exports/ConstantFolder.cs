using VlWorker.ModelKit.Onnx;

namespace VlWorker.ModelKit.Exports;

/// <summary>Finds the values of a graph that do not depend on its inputs, as floats, whatever type they are stored in.</summary>
internal sealed class ConstantFolder(ExportedGraph graph)
{
    private readonly Dictionary<string, Folded?> _known = new(StringComparer.Ordinal);

    /// <summary>A constant; null where the value is none, or is made in a way that is not followed.</summary>
    /// <exception cref="InvalidDataException">Its tensor is malformed.</exception>
    public Folded? Find(string value)
    {
        if (value.Length == 0)
            return null;
        if (_known.TryGetValue(value, out var known))
            return known;
        _known[value] = null; // a cycle, which only a malformed graph has, ends here
        return _known[value] = Fold(value);
    }

    /// <summary>A constant with one value; null where the value is none.</summary>
    public float? Scalar(string value) => Find(value) is { IsScalar: true } folded ? folded.Read()[0] : null;

    /// <summary>A constant list of integers; null where the value is none.</summary>
    public long[]? Integers(string value) => Find(value) is { } folded ? Array.ConvertAll(folded.Read(), static item => (long)item) : null;

    /// <summary>value = (q - zero) * scale, the scale for all or for each index of an axis.</summary>
    /// <param name="q">The integers.</param>
    /// <param name="scale">One scale, or one for each index.</param>
    /// <param name="zero">The zero point, shaped as the scale; null for 0.</param>
    /// <param name="axis">The axis; negative from the end.</param>
    /// <returns>Null if the scales do not fit the axis.</returns>
    public static Folded? Dequantize(Folded q, Folded scale, Folded? zero, long axis)
    {
        axis = axis < 0 ? axis + q.Dims.Length : axis;
        var perIndex = scale.Count > 1;
        if (perIndex && (axis < 0 || axis >= q.Dims.Length || q.Dims[axis] != scale.Count))
            return null;
        if (zero is not null && zero.Count != 1 && zero.Count != scale.Count)
            return null;
        return new Folded(q.Dims, () =>
        {
            var (values, scales, zeros) = (q.Read(), scale.Read(), zero?.Read());
            var stride = perIndex ? q.Dims.Skip((int)axis + 1).Aggregate(1L, static (product, size) => product * size) : 1;
            var result = new float[values.Length];
            for (long i = 0; i < result.Length; i++)
            {
                var index = perIndex ? i / stride % scales.Length : 0;
                var offset = zeros is null ? 0 : zeros[zeros.Length == 1 ? 0 : index];
                result[i] = (values[i] - offset) * scales[index];
            }

            return result;
        });
    }

    private Folded? Fold(string value)
    {
        if (graph.Initializer(value) is { } initializer)
            return Read(initializer);
        if (graph.Producer(value) is not { } node)
            return null;
        return node.Op switch
        {
            "Constant" => Constant(node),
            "Identity" or "Cast" or "CastLike" => Find(node.Input(0)),
            "Reshape" or "Squeeze" or "Unsqueeze" or "Flatten" => Find(node.Input(0)) is { } source ? ShapeFolding.Reshape(node, source, Integers) : null,
            "Transpose" => Find(node.Input(0)) is { } source ? ShapeFolding.Transpose(source, node.Integers("perm")) : null,
            "Gather" when node.Integer("axis", 0) == 0 => Find(node.Input(0)) is { } table && Integers(node.Input(1)) is { } rows
                ? ShapeFolding.Rows(table, rows, Find(node.Input(1))!.Dims) : null,
            "DequantizeLinear" => Find(node.Input(0)) is { } q && Find(node.Input(1)) is { } scale
                ? Dequantize(q, scale, Find(node.Input(2)), node.Integer("axis", 1)) : null,
            "Add" or "Sub" or "Mul" or "Div" => Find(node.Input(0)) is { } left && Find(node.Input(1)) is { } right ? Elementwise(node.Op, left, right) : null,
            "Sqrt" => Find(node.Input(0)) is { } square ? new Folded(square.Dims, () => Array.ConvertAll(square.Read(), MathF.Sqrt)) : null,
            _ => null,
        };
    }

    private static Folded Read(TensorProto proto)
    {
        float[]? values = null;
        return new Folded([.. proto.Dims], () => values ??= TensorField.Read(proto).ToFloats());
    }

    private static Folded? Constant(GraphNode node)
    {
        if (node.Attributes.TryGetValue("value", out var tensor))
            return Read(tensor.T);
        if (node.Attributes.TryGetValue("value_float", out var single))
            return new Folded([], () => [single.F]);
        if (node.Attributes.TryGetValue("value_floats", out var floats))
            return new Folded([floats.Floats.Count], () => [.. floats.Floats]);
        if (node.Attributes.TryGetValue("value_int", out var integer))
            return new Folded([], () => [integer.I]);
        return node.Attributes.TryGetValue("value_ints", out var integers)
            ? new Folded([integers.Ints.Count], () => [.. integers.Ints.Select(static item => (float)item)]) : null;
    }

    // Shapes are the same, or one side is a scalar: exporters leave nothing else for the reader to fold.
    private static Folded? Elementwise(string op, Folded left, Folded right)
    {
        if (!left.IsScalar && !right.IsScalar && !left.Dims.AsSpan().SequenceEqual(right.Dims))
            return null;
        return new Folded(left.IsScalar ? right.Dims : left.Dims, () =>
        {
            var (a, b) = (left.Read(), right.Read());
            var result = new float[Math.Max(a.Length, b.Length)];
            for (var i = 0; i < result.Length; i++)
            {
                var (x, y) = (a[a.Length == 1 ? 0 : i], b[b.Length == 1 ? 0 : i]);
                result[i] = op switch { "Add" => x + y, "Sub" => x - y, "Mul" => x * y, _ => x / y };
            }

            return result;
        });
    }
}
