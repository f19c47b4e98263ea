using VlWorker.ModelKit.Onnx;

namespace VlWorker.ModelKit.Quantization;

/// <summary>A node with a constant weight.</summary>
/// <param name="Scope">The node's graph.</param>
/// <param name="Node">The node.</param>
/// <param name="Operator">Its operator.</param>
/// <param name="Weight">The weight and the graph it belongs to.</param>
/// <param name="Transposed">Whether it is stored [out, in]: Gemm can take it so, and of a tied embedding the transpose is computed.</param>
internal sealed record WeightSite(GraphScope Scope, NodeProto Node, string Operator, ScopedConstant Weight, bool Transposed)
{
    /// <summary>The name to report it by.</summary>
    public string Name => Node.Name.Length > 0 ? Node.Name : Node.Output[0];

    /// <summary>Finds the weight of a node.</summary>
    /// <returns>Null if the operator takes no weight, or the node computes it.</returns>
    public static WeightSite? Find(GraphScope scope, NodeProto node)
    {
        if (node.Domain is not ("" or "ai.onnx"))
            return null;
        var index = node.OpType switch
        {
            "MatMul" or "Gemm" or "Conv" => 1,
            "Gather" => 0,
            _ => -1,
        };
        if (index < 0 || node.Input.Count <= index)
            return null;
        var (weight, transposed) = (scope.FindConstant(node.Input[index]), node.OpType == "Gemm" && Attribute(node, "transB", 0) != 0);
        if (weight is null && node.OpType is ("MatMul" or "Gemm"))
            (weight, transposed) = (scope.FindTransposed(node.Input[index]), !transposed);
        // Shapes and lookup tables of indices are gathered from too.
        return weight is not null && IsFloat(weight.Tensor) ? new WeightSite(scope, node, node.OpType, weight, transposed) : null;
    }

    /// <summary>Why the node can't be rewritten whatever the options; null if it can.</summary>
    public string? Obstacle() => (Operator, Weight.Tensor.Dims.Count) switch
    {
        _ when (ElementType)Weight.Tensor.DataType != ElementType.Float => $"its weight is {(ElementType)Weight.Tensor.DataType}, not Float",
        ("MatMul" or "Gemm" or "Gather", not 2) => $"its weight has {Weight.Tensor.Dims.Count} dimensions",
        ("Gemm", _) when Number("alpha", 1) != 1 || Number("beta", 1) != 1 || Attribute(Node, "transA", 0) != 0 => "its alpha, beta or transA is set",
        ("Gather", _) when Attribute(Node, "axis", 0) != 0 => "it does not gather rows",
        _ => null,
    };

    /// <summary>The weight as a matrix [in, out]; an embedding as [rows, columns]; a convolution's as [out, in x kernel].</summary>
    public (float[] Values, int Rows, int Columns) Matrix()
    {
        var tensor = TensorField.Read(Weight.Tensor);
        var (rows, columns) = ((int)tensor.Dims[0], (int)(tensor.Count / Math.Max(1, tensor.Dims[0])));
        var values = tensor.ToFloats();
        return Transposed ? (Transpose(values, rows, columns), columns, rows) : (values, rows, columns);
    }


    private static long Attribute(NodeProto node, string name, long absent) =>
        node.Attribute.FirstOrDefault(attribute => attribute.Name == name)?.I ?? absent;

    private float Number(string name, float absent) => Node.Attribute.FirstOrDefault(attribute => attribute.Name == name)?.F ?? absent;

    private static bool IsFloat(TensorProto tensor) =>
        (ElementType)tensor.DataType is ElementType.Float or ElementType.Float16 or ElementType.BFloat16 or ElementType.Double;

    /// <summary>[rows, columns] to [columns, rows].</summary>
    public static float[] Transpose(float[] values, int rows, int columns)
    {
        var result = new float[values.Length];
        for (var row = 0; row < rows; row++)
        {
            for (var column = 0; column < columns; column++)
                result[(column * rows) + row] = values[(row * columns) + column];
        }

        return result;
    }
}
