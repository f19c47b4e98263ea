using VlWorker.ModelKit.Onnx;

namespace VlWorker.ModelKit.Quantization.HalfPrecision;

/// <summary>
/// Makes a graph compute in 16-bit floats. Inputs and outputs, those of branches too, stay 32-bit; so does every node that touches a value
/// or a constant which 16 bits can't hold, with casts around it.
/// </summary>
internal sealed class HalfConverter(HalfOptions options)
{
    private readonly List<NodeNote> _converted = [];
    private readonly List<NodeNote> _kept = [];
    private HashSet<string> _names = [];
    private Queue<GraphScope> _scopes = new();

    /// <summary>Converts a model in place.</summary>
    /// <returns>The nodes that compute in 16 bits, and those that do not, with the reason.</returns>
    /// <exception cref="InvalidDataException">The model has loops, or holds 16-bit floats already.</exception>
    public QuantizationSummary Run(OnnxModel model)
    {
        var scopes = GraphScope.All(model);
        if (scopes.SelectMany(scope => scope.Graph.Initializer)
            .Any(initializer => (ElementType)initializer.DataType is ElementType.Float16 or ElementType.BFloat16))
            throw new InvalidDataException("the graph holds 16-bit floats already: start from its 32-bit ones");
        (_names, _scopes) = (GraphScope.Names(scopes), new Queue<GraphScope>(scopes));
        Convert(null);
        GraphScope.RemoveUnusedConstants(model);
        return new QuantizationSummary(_converted, _kept);
    }

    // Scopes come in the order in which this walks: a graph, then the graphs of its nodes. Tells which outputs are floats.
    private bool[] Convert(HalfScope? parent)
    {
        var scope = _scopes.Dequeue();
        var values = new HalfScope(parent);
        foreach (var input in scope.Graph.Input.Where(input => (ElementType)(input.Type?.TensorType?.ElemType ?? 0) == ElementType.Float))
            values.Add(input.Name, new HalfValue { Full = input.Name });
        foreach (var initializer in scope.Graph.Initializer.Where(initializer => (ElementType)initializer.DataType == ElementType.Float))
            values.Add(initializer.Name, new HalfValue { Full = initializer.Name, Constant = new ScopedConstant(scope, initializer.Name, initializer) });
        var outputs = scope.Graph.Output.Select(output => output.Name).ToHashSet(StringComparer.Ordinal);
        foreach (var node in scope.Graph.Node)
        {
            if (GraphScope.Subgraphs(node).Any())
                Branches(node, values);
            else if (GraphScope.ConstantOf(node) is { } tensor && (ElementType)tensor.DataType == ElementType.Float
                && !outputs.Contains(node.Output[0]))
                ConstantNode(scope, node, tensor, values);
            else
                Convert(node, values, outputs);
        }

        scope.Graph.Node.Clear();
        scope.Graph.Node.Add(values.Nodes);
        // What it says of types is not true any more.
        scope.Graph.ValueInfo.Clear();
        return [.. scope.Graph.Output.Select(output => values.Find(output.Name) is not null)];
    }

    private void Branches(NodeProto node, HalfScope values)
    {
        if (node.OpType != "If")
            throw new InvalidDataException($"{node.OpType} nodes can't be converted to fp16");
        bool[] floats = [];
        foreach (var _ in GraphScope.Subgraphs(node))
            floats = Convert(values);
        values.Nodes.Add(node);
        for (var i = 0; i < node.Output.Count; i++)
        {
            if (floats[i])
                values.Add(node.Output[i], new HalfValue { Full = node.Output[i] });
        }
    }

    private static void ConstantNode(GraphScope scope, NodeProto node, TensorProto tensor, HalfScope values)
    {
        values.Nodes.Add(node);
        values.Add(node.Output[0], new HalfValue { Full = node.Output[0], Constant = new ScopedConstant(scope, node.Output[0], tensor) });
    }

    private void Convert(NodeProto node, HalfScope values, HashSet<string> graphOutputs)
    {
        var floats = FloatValues.Outputs(node, name => values.Find(name) is not null);
        if (!floats.Contains(true) && node.Input.All(name => values.Find(name) is null))
        {
            values.Nodes.Add(node);
            return;
        }

        var reason = Obstacle(node, values);
        // Shapes and comparisons take floats and give none: nothing is computed in them.
        if (floats.Contains(true))
            (reason is null ? _converted : _kept)
                .Add(new NodeNote(node.Name.Length > 0 ? node.Name : node.Output[0], node.OpType, reason ?? string.Empty));
        for (var i = 0; i < node.Input.Count; i++)
        {
            if (values.Find(node.Input[i]) is { } value)
                node.Input[i] = Get(node.Input[i], value, reason is null, values);
        }

        if (reason is null)
            HalfAttributes(node);
        values.Nodes.Add(node);
        for (var i = 0; i < floats.Length; i++)
        {
            if (floats[i] && node.Output[i].Length > 0)
                Produced(node, i, reason is null, values, graphOutputs);
        }
    }

    private string? Obstacle(NodeProto node, HalfScope values)
    {
        if (FloatValues.IsAlwaysFull(node))
            return $"{node.OpType} computes in 32 bits";
        if (options.Filter.Excluding(node.Name, node.Output.Count > 0 ? node.Output[0] : string.Empty) is { } pattern)
            return $"left out by {pattern}";
        if (node.OpType == "Constant" && node.Attribute.Any(attribute => attribute.Name is "value_float" or "value_floats"))
            return "a constant in an attribute of 32 bits";
        foreach (var name in node.Input.Concat(node.Output))
        {
            var constant = values.Find(name)?.Constant;
            var obstacle = constant is null ? options.Obstacle(name) : HalfConstant.Obstacle(TensorField.Read(constant.Tensor).ToFloats());
            if (obstacle is not null)
                return obstacle;
        }

        return node.Attribute.FirstOrDefault(attribute => attribute.Name == "value")?.T is { } fill && (ElementType)fill.DataType == ElementType.Float
            ? HalfConstant.Obstacle(TensorField.Read(fill).ToFloats()) : null;
    }

    private static void HalfAttributes(NodeProto node)
    {
        foreach (var attribute in node.Attribute)
        {
            if (node.OpType == "Cast" && attribute.Name == "to" && (ElementType)attribute.I == ElementType.Float)
                attribute.I = (long)ElementType.Float16;
            else if (attribute.T is { } tensor && (ElementType)tensor.DataType == ElementType.Float)
                attribute.T = TensorField.Write(HalfConstant.Convert(TensorField.Read(tensor)), tensor.Name);
        }

        // Without an attribute it would fill with 32-bit zeros.
        if (node.OpType == "ConstantOfShape" && node.Attribute.All(attribute => attribute.Name != "value"))
            node.Attribute.Add(AttributeFactory.Create("value", Tensor.FromFloats([0], [1], ElementType.Float16)));
    }

    // A graph's output keeps its name and its type, so the 16-bit value gets another name.
    private void Produced(NodeProto node, int index, bool half, HalfScope values, HashSet<string> graphOutputs)
    {
        var name = node.Output[index];
        if (half && graphOutputs.Contains(name))
        {
            node.Output[index] = Fresh($"{name}_fp16");
            values.Add(name, new HalfValue { Half = node.Output[index], Full = name });
            values.Nodes.Add(Cast(node.Output[index], name, half: false));
            return;
        }

        values.Add(name, half ? new HalfValue { Half = name } : new HalfValue { Full = name });
    }

    private string Get(string name, HalfValue value, bool half, HalfScope values)
    {
        if (value.In(half) is { } there)
            return there;
        if (value.Constant is { } constant)
        {
            value.Half = Fresh($"{name}_fp16");
            constant.Owner.Graph.Initializer.Add(TensorField.Write(HalfConstant.Convert(TensorField.Read(constant.Tensor)), value.Half));
            return value.Half;
        }

        if (values.Cast(name, half) is { } known)
            return known;
        var cast = Fresh($"{name}_{(half ? "fp16" : "fp32")}");
        values.Nodes.Add(Cast(value.In(!half)!, cast, half));
        values.NoteCast(name, half, cast);
        return cast;
    }

    private NodeProto Cast(string from, string to, bool half) => new()
    {
        OpType = "Cast",
        Name = Fresh($"{to}_cast"),
        Input = { from },
        Output = { to },
        Attribute = { AttributeFactory.Create("to", half ? ElementType.Float16 : ElementType.Float) },
    };

    private string Fresh(string stem)
    {
        var name = stem;
        for (var i = 2; !_names.Add(name); i++)
            name = FormattableString.Invariant($"{stem}_{i}");
        return name;
    }
}
