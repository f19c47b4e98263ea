using System.Globalization;
using VlWorker.ModelKit.Onnx;

namespace VlWorker.ModelKit.Quantization;

/// <summary>Collects the nodes that take the place of others in one graph, and the constants that they need.</summary>
/// <param name="names">Every name in use in the model; names given out are added.</param>
/// <param name="constants">Constants made so far in the whole model: a weight that two branches share is converted once.</param>
internal sealed class NodeEmitter(HashSet<string> names, Dictionary<(GraphScope Owner, string Weight, string Form), string> constants)
{
    private readonly Dictionary<(string Form, string Value), string[]> _shared = [];

    /// <summary>The nodes of the graph as it will be, in order.</summary>
    public List<NodeProto> Nodes { get; } = [];

    /// <summary>Keeps a node as it is.</summary>
    public void Keep(NodeProto node) => Nodes.Add(node);

    /// <summary>Adds a node whose output gets a fresh name.</summary>
    /// <returns>The output.</returns>
    public string Add(string stem, string op, ReadOnlySpan<string> inputs, params ReadOnlySpan<(string Name, object Value)> attributes)
    {
        var output = Fresh($"{stem}_{op.ToLowerInvariant()}");
        AddAs(output, "", op, inputs, attributes);
        return output;
    }

    /// <summary>Adds a node whose output is known.</summary>
    public void AddAs(string output, string domain, string op, ReadOnlySpan<string> inputs,
        params ReadOnlySpan<(string Name, object Value)> attributes)
    {
        var node = new NodeProto { OpType = op, Domain = domain, Name = Fresh($"{output}_{op}"), Input = { inputs.ToArray() }, Output = { output } };
        foreach (var (name, value) in attributes)
            node.Attribute.Add(AttributeFactory.Create(name, value));
        Nodes.Add(node);
    }

    /// <summary>Values derived from another value; made by the first who asks, in this graph.</summary>
    /// <param name="form">What is derived.</param>
    /// <param name="value">From which value.</param>
    /// <param name="make">Makes it: adds nodes and names the outputs.</param>
    public string[] Shared(string form, string value, Func<string[]> make)
    {
        if (!_shared.TryGetValue((form, value), out var derived))
            _shared.Add((form, value), derived = make());
        return derived;
    }

    /// <summary>A constant made from a weight, kept in the weight's own graph.</summary>
    /// <param name="weight">The weight.</param>
    /// <param name="form">What is made of it; part of the name.</param>
    /// <param name="make">Makes it.</param>
    /// <returns>Its name.</returns>
    public string Constant(ScopedConstant weight, string form, Func<Tensor> make)
    {
        if (constants.TryGetValue((weight.Owner, weight.Name, form), out var known))
            return known;
        var name = Fresh($"{weight.Name}_{form}");
        weight.Owner.Graph.Initializer.Add(TensorField.Write(make(), name));
        constants.Add((weight.Owner, weight.Name, form), name);
        return name;
    }

    /// <summary>A name that nothing has.</summary>
    public string Fresh(string stem)
    {
        var name = stem;
        for (var i = 2; !names.Add(name); i++)
            name = string.Create(CultureInfo.InvariantCulture, $"{stem}_{i}");
        return name;
    }
}
