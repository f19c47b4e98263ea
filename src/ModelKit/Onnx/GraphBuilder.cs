using System.Globalization;

namespace VlWorker.ModelKit.Onnx;

/// <summary>
/// Builds a graph node by node. Values are named by the strings that the methods return; a node can only use values that are there
/// already, so that the nodes are in topological order.
/// </summary>
/// <param name="opset">The version of ONNX's own operators; those of ONNX Runtime (com.microsoft) are imported too.</param>
internal sealed class GraphBuilder(int opset = 21)
{
    /// <summary>The domain of ONNX Runtime's own operators.</summary>
    public const string MicrosoftDomain = "com.microsoft";

    private const int IrVersion = 10;

    private readonly GraphProto _graph = new() { Name = "main" };
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);
    private readonly HashSet<string> _produced = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Tensor> _constants = new(StringComparer.Ordinal);
    private readonly Dictionary<Tensor, string> _constantNames = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<string, string> _outputNames = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _counters = new(StringComparer.Ordinal);

    /// <summary>Declares an input.</summary>
    /// <returns>Its name.</returns>
    public string Input(string name, ElementType type, params ReadOnlySpan<Dim> dims)
    {
        Claim(name);
        _graph.Input.Add(Info(name, type, dims));
        return name;
    }

    /// <summary>Declares an output. The node that makes the value gets the name; Identity comes in only where that can't be.</summary>
    public void Output(string value, string name, ElementType type, params ReadOnlySpan<Dim> dims)
    {
        Known(value);
        if (!_produced.Contains(value) || _outputNames.ContainsKey(value))
            value = Node("Identity", [value]);
        if (value != name)
            Claim(name);
        _outputNames.Add(value, name);
        _graph.Output.Add(Info(name, type, dims));
    }

    /// <summary>Adds an initializer; the same tensor, or the same name with the same content, is added once.</summary>
    /// <returns>Its name.</returns>
    /// <exception cref="ArgumentException">Something else has the name.</exception>
    public string Constant(Tensor tensor, string? name = null)
    {
        if (_constantNames.TryGetValue(tensor, out var known) && (name is null || name == known))
            return known;
        if (name is not null && _constants.TryGetValue(name, out var same) && same.ContentEquals(tensor))
            return name;
        name = name is null ? Fresh("constant") : Claim(name);
        _constants.Add(name, tensor);
        _constantNames.TryAdd(tensor, name);
        _graph.Initializer.Add(TensorField.Write(tensor, name));
        return name;
    }

    /// <summary>Adds an operator of ONNX with one output.</summary>
    /// <param name="op">The operator.</param>
    /// <param name="inputs">Values; "" where an optional input is absent.</param>
    /// <param name="attributes">What <see cref="AttributeFactory.Create"/> takes.</param>
    /// <returns>The output.</returns>
    public string Node(string op, ReadOnlySpan<string> inputs, params ReadOnlySpan<(string Name, object Value)> attributes) =>
        Nodes(op, "", inputs, [true], attributes)[0];

    /// <summary>Adds an operator of ONNX Runtime with one output.</summary>
    public string Microsoft(string op, ReadOnlySpan<string> inputs, params ReadOnlySpan<(string Name, object Value)> attributes) =>
        Nodes(op, MicrosoftDomain, inputs, [true], attributes)[0];

    /// <summary>Adds an operator with several outputs.</summary>
    /// <param name="op">The operator.</param>
    /// <param name="domain">Its domain; "" is ONNX's.</param>
    /// <param name="inputs">Values; "" where an optional input is absent.</param>
    /// <param name="outputs">Which outputs are wanted.</param>
    /// <param name="attributes">What <see cref="AttributeFactory.Create"/> takes.</param>
    /// <returns>A name for each of <paramref name="outputs"/>; "" where it is not wanted.</returns>
    /// <exception cref="ArgumentException">An input is not there.</exception>
    public string[] Nodes(
        string op, string domain, ReadOnlySpan<string> inputs, ReadOnlySpan<bool> outputs, params ReadOnlySpan<(string Name, object Value)> attributes)
    {
        foreach (var input in inputs)
            Known(input);
        var node = new NodeProto { OpType = op, Domain = domain, Input = { inputs.ToArray() } };
        foreach (var (name, value) in attributes)
            node.Attribute.Add(AttributeFactory.Create(name, value));
        node.Name = Fresh(op);
        var names = new string[outputs.Length];
        for (var i = 0; i < names.Length; i++)
            names[i] = !outputs[i] ? "" : i == 0 ? node.Name : Fresh($"{node.Name}_{i}");
        node.Output.Add(names.Take(outputs.LastIndexOf(true) + 1));
        _produced.UnionWith(names);
        _graph.Node.Add(node);
        return names;
    }

    /// <summary>Says what is known about a value between nodes.</summary>
    public void ValueInfo(string name, ElementType type, params ReadOnlySpan<Dim> dims)
    {
        Known(name);
        _graph.ValueInfo.Add(Info(name, type, dims));
    }

    /// <summary>The model as built so far; the builder can't be used any more.</summary>
    public OnnxModel Build()
    {
        foreach (var node in _graph.Node)
        {
            for (var i = 0; i < node.Input.Count; i++)
                node.Input[i] = _outputNames.GetValueOrDefault(node.Input[i], node.Input[i]);
            for (var i = 0; i < node.Output.Count; i++)
                node.Output[i] = _outputNames.GetValueOrDefault(node.Output[i], node.Output[i]);
        }

        foreach (var info in _graph.ValueInfo)
            info.Name = _outputNames.GetValueOrDefault(info.Name, info.Name);
        var model = new ModelProto
        {
            IrVersion = IrVersion,
            ProducerName = "VlWorker",
            OpsetImport = { new OperatorSetIdProto { Domain = "", Version = opset }, new OperatorSetIdProto { Domain = MicrosoftDomain, Version = 1 } },
            Graph = _graph,
        };
        var others = _graph.Node.Select(static node => node.Domain).Distinct(StringComparer.Ordinal).Where(static domain => domain is not ("" or MicrosoftDomain));
        model.OpsetImport.Add(others.Select(static domain => new OperatorSetIdProto { Domain = domain, Version = 1 }));
        return new OnnxModel(model);
    }

    private static ValueInfoProto Info(string name, ElementType type, ReadOnlySpan<Dim> dims)
    {
        var shape = new TensorShapeProto();
        foreach (var dim in dims)
            shape.Dim.Add(dim.ToProto());
        return new ValueInfoProto { Name = name, Type = new TypeProto { TensorType = new() { ElemType = (int)type, Shape = shape } } };
    }

    private void Known(string value)
    {
        if (value.Length > 0 && !_names.Contains(value))
            throw new ArgumentException($"there is no value {value}", nameof(value));
    }

    private string Claim(string name) =>
        _names.Add(name) ? name : throw new ArgumentException($"the name {name} is taken", nameof(name));

    private string Fresh(string stem)
    {
        string name;
        do
        {
            _counters[stem] = _counters.GetValueOrDefault(stem) + 1;
            name = string.Create(CultureInfo.InvariantCulture, $"{stem}_{_counters[stem]}");
        }
        while (!_names.Add(name));
        return name;
    }
}
