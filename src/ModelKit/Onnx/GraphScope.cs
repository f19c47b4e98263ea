namespace VlWorker.ModelKit.Onnx;

/// <summary>
/// A graph, and for the graph of a branch or a loop the graphs around it, whose values it can use. Merged decoders keep their weights in
/// the outer graph and their nodes in two branches, so whoever looks for a node's weights looks through the scopes.
/// </summary>
internal sealed class GraphScope
{
    private readonly Dictionary<string, TensorProto> _constants = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _aliases = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _transposed = new(StringComparer.Ordinal);
    private readonly HashSet<string> _others = new(StringComparer.Ordinal);

    private GraphScope(GraphProto graph, GraphScope? parent)
    {
        (Graph, Parent) = (graph, parent);
        foreach (var input in graph.Input)
            _others.Add(input.Name);
        foreach (var node in graph.Node)
            Note(node);
        foreach (var initializer in graph.Initializer)
            _constants[initializer.Name] = initializer;
    }

    /// <summary>The graph.</summary>
    public GraphProto Graph { get; }

    /// <summary>The scope around it; null for the main graph.</summary>
    public GraphScope? Parent { get; }

    /// <summary>The main graph and all graphs within, the outer ones first.</summary>
    public static IReadOnlyList<GraphScope> All(OnnxModel model)
    {
        var scopes = new List<GraphScope>();
        Collect(new GraphScope(model.Graph, null), scopes);
        return scopes;
    }

    /// <summary>The graphs that a node holds: branches of If, bodies of Loop and Scan.</summary>
    public static IEnumerable<GraphProto> Subgraphs(NodeProto node) =>
        node.Attribute.SelectMany(attribute => attribute.G is null ? attribute.Graphs : attribute.Graphs.Prepend(attribute.G));

    /// <summary>The tensor of a Constant node; null for other nodes, and for constants that are no tensor.</summary>
    public static TensorProto? ConstantOf(NodeProto node) =>
        node.OpType == "Constant" && node.Domain is "" or "ai.onnx" ? node.Attribute.FirstOrDefault(attribute => attribute.Name == "value")?.T : null;

    /// <summary>Looks for a constant here and in the scopes around: an initializer, a Constant node, or either behind Identity.</summary>
    /// <returns>Null if the value is computed or unknown.</returns>
    public ScopedConstant? FindConstant(string name)
    {
        for (var scope = this; scope is not null; scope = scope.Parent)
        {
            if (scope._constants.TryGetValue(name, out var tensor))
                return new ScopedConstant(scope, name, tensor);
            if (scope._aliases.TryGetValue(name, out var source))
                return source == name ? null : scope.FindConstant(source);
            if (scope._others.Contains(name))
                return null;
        }

        return null;
    }

    /// <summary>Looks for a matrix whose transpose is computed: a head that is tied to the embedding is often exported so.</summary>
    /// <returns>The matrix before it is transposed; null if the value is anything else.</returns>
    public ScopedConstant? FindTransposed(string name)
    {
        for (var scope = this; scope is not null; scope = scope.Parent)
        {
            if (scope._transposed.TryGetValue(name, out var source))
                return scope.FindConstant(source) is { Tensor.Dims.Count: 2 } matrix ? matrix : null;
            if (scope._others.Contains(name))
                return null;
        }

        return null;
    }

    /// <summary>Every name that a graph of the model uses for a value or a node.</summary>
    public static HashSet<string> Names(IEnumerable<GraphScope> scopes)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var graph in scopes.Select(scope => scope.Graph))
        {
            names.UnionWith(graph.Node.SelectMany(node => node.Output.Concat(node.Input).Append(node.Name)));
            names.UnionWith(graph.Initializer.Select(initializer => initializer.Name));
            names.UnionWith(graph.Input.Concat(graph.Output).Select(info => info.Name));
        }

        return names;
    }

    /// <summary>
    /// Takes out of every graph the constants that no node uses any more, and what was made of them; what was unused before goes too.
    /// </summary>
    public static void RemoveUnusedConstants(OnnxModel model)
    {
        var scopes = All(model);
        HashSet<string> used;
        int nodes;
        do
        {
            used = scopes.SelectMany(scope => scope.Graph.Node.SelectMany(node => node.Input)
                .Concat(scope.Graph.Output.Select(output => output.Name)))
                .ToHashSet(StringComparer.Ordinal);
            nodes = scopes.Sum(scope => scope.Graph.Node.Count);
            foreach (var scope in scopes)
                Keep(scope.Graph.Node, node => used.Contains(node.Output.FirstOrDefault("")) || !IsConstantOrAlias(node));
        }
        while (scopes.Sum(scope => scope.Graph.Node.Count) < nodes);
        foreach (var graph in scopes.Select(scope => scope.Graph))
        {
            var unused = graph.Initializer.Where(initializer => !used.Contains(initializer.Name)).Select(initializer => initializer.Name)
                .ToHashSet(StringComparer.Ordinal);
            Keep(graph.Initializer, initializer => !unused.Contains(initializer.Name));
            // Old files list initializers as inputs with a default.
            Keep(graph.Input, input => !unused.Contains(input.Name));
        }
    }

    /// <summary>Keeps the elements that a condition holds for, in their order.</summary>
    public static void Keep<T>(Google.Protobuf.Collections.RepeatedField<T> field, Func<T, bool> condition)
    {
        var kept = field.Where(condition).ToList();
        if (kept.Count == field.Count)
            return;
        field.Clear();
        field.Add(kept);
    }

    private static bool IsConstantOrAlias(NodeProto node) => ConstantOf(node) is not null || node.OpType is "Identity" or "Transpose";

    private static void Collect(GraphScope scope, List<GraphScope> scopes)
    {
        scopes.Add(scope);
        foreach (var subgraph in scope.Graph.Node.SelectMany(Subgraphs))
            Collect(new GraphScope(subgraph, scope), scopes);
    }

    private void Note(NodeProto node)
    {
        if (ConstantOf(node) is { } tensor)
            _constants[node.Output[0]] = tensor;
        else if (node.OpType == "Identity" && node.Input.Count == 1)
            _aliases[node.Output[0]] = node.Input[0];
        else
            _others.UnionWith(node.Output);
        // Without an attribute the order is reversed: of two dimensions that is the same.
        if (node.OpType == "Transpose" && node.Attribute.All(attribute => attribute.Ints.SequenceEqual([1, 0])))
            _transposed[node.Output[0]] = node.Input[0];
    }
}

/// <summary>A constant and the graph it belongs to.</summary>
/// <param name="Owner">The graph.</param>
/// <param name="Name">Its name there.</param>
/// <param name="Tensor">Its content.</param>
internal sealed record ScopedConstant(GraphScope Owner, string Name, TensorProto Tensor);
