using VlWorker.ModelKit.Onnx;

namespace VlWorker.ModelKit.Exports;

/// <summary>
/// An exported graph to walk from a value to what makes it. Of every If (a merged decoder has one) one branch is taken, fused operators are
/// taken apart, and initializers and Constant nodes are the same.
/// </summary>
internal sealed class ExportedGraph
{
    private readonly Dictionary<string, GraphNode> _producers = new(StringComparer.Ordinal);
    private readonly Dictionary<string, TensorProto> _initializers = new(StringComparer.Ordinal);
    private readonly string _file;
    private readonly string[] _moves;
    private string? _doubt;

    /// <param name="model">The model.</param>
    /// <param name="file">Its file's name, for messages.</param>
    /// <param name="thenBranch">Which branch of an If is taken; a merged decoder's else-branch has no cache and so all of the structure.</param>
    /// <param name="moves">Operators that only move data in this graph, beside those that always do.</param>
    public ExportedGraph(OnnxModel model, string file, bool thenBranch = false, params string[] moves)
    {
        (_file, _moves) = (file, moves);
        Inputs = [.. model.Graph.Input.Select(input => input.Name)];
        Outputs = [.. model.Graph.Output.Select(output => output.Name)];
        var nodes = new List<GraphNode>();
        Flatten(model.Graph, thenBranch, nodes);
        foreach (var node in nodes)
            Register(node);
        foreach (var node in nodes)
        {
            foreach (var part in FusedOperators.Expand(node, value => _producers.GetValueOrDefault(value)))
                Register(part);
        }

        Constants = new ConstantFolder(this);
    }

    /// <summary>Names of the graph's inputs; old exporters list initializers among them.</summary>
    public IReadOnlyList<string> Inputs { get; }

    /// <summary>Names of the graph's outputs.</summary>
    public IReadOnlyList<string> Outputs { get; }

    /// <summary>The graph's constants.</summary>
    public ConstantFolder Constants { get; }

    /// <summary>What makes a value; null for an input or an initializer.</summary>
    public GraphNode? Producer(string value) => _producers.GetValueOrDefault(value);

    /// <summary>An initializer; null where there is none of that name.</summary>
    public TensorProto? Initializer(string name) => _initializers.GetValueOrDefault(name);

    /// <summary>An output by name, or the only one.</summary>
    /// <exception cref="InvalidDataException">There is none of that name.</exception>
    public string Output(string name) => Outputs.Contains(name) ? name : Outputs.Count == 1 ? Outputs[0]
        : throw new InvalidDataException($"{_file} has no output {name}, but {string.Join(", ", Outputs)}");

    /// <summary>Steps from a value over everything that only moves or renames data to the value that it came from.</summary>
    public string Skip(string value)
    {
        while (Producer(value) is { } node && Through(node) is { } before)
            value = before;
        return value;
    }

    /// <summary>What makes a value, after <see cref="Skip"/>.</summary>
    public GraphNode? Origin(string value) => Producer(Skip(value));

    /// <summary>Remembers why a structure that looked right was given up, for the message if nothing else fits.</summary>
    /// <returns>Null, for the caller to return.</returns>
    public T? Doubt<T>(string value, string reason)
        where T : class
    {
        _doubt = $"at {Describe(value)}: {reason}";
        return null;
    }

    /// <summary>The error for a structure that is not understood.</summary>
    /// <param name="value">Where it stopped.</param>
    /// <param name="expected">What should be there.</param>
    public InvalidDataException NotUnderstood(string value, string expected) =>
        new($"{_file}: at {Describe(Skip(value))} {expected} was expected" + (_doubt is null ? string.Empty : $"; nearest to it came, {_doubt}"));

    private string Describe(string value) => Producer(value) is { } node ? $"node {node.Name} ({node.Op})" : $"value {value}";

    private string? Through(GraphNode node) => node.Op switch
    {
        "Identity" or "Cast" or "CastLike" or "Reshape" or "Transpose" or "Squeeze" or "Unsqueeze" or "Expand" or "Flatten" or "Dropout" => node.Input(0),
        "DequantizeLinear" when Producer(node.Input(0)) is { Op: "QuantizeLinear" } quantize => quantize.Input(0),
        "Where" when Producer(node.Input(0)) is { Op: "IsNaN" } => node.Input(2),
        _ => _moves.Contains(node.Op) ? node.Input(0) : null,
    };

    private void Flatten(GraphProto graph, bool thenBranch, List<GraphNode> nodes)
    {
        foreach (var initializer in graph.Initializer)
            _initializers[initializer.Name] = initializer;
        foreach (var node in graph.Node)
        {
            if (node.OpType != "If")
            {
                nodes.Add(GraphNode.From(node));
                continue;
            }

            var branch = node.Attribute.FirstOrDefault(attribute => attribute.Name == (thenBranch ? "then_branch" : "else_branch"))?.G
                ?? throw new InvalidDataException($"{_file}: the If {node.Name} lacks a branch");
            Flatten(branch, thenBranch, nodes);
            foreach (var (inner, outer) in branch.Output.Select(output => output.Name).Zip(node.Output).Where(pair => pair.First != pair.Second))
                nodes.Add(new GraphNode("Identity", node.Name, [inner], [outer], new Dictionary<string, AttributeProto>()));
        }
    }

    private void Register(GraphNode node)
    {
        foreach (var output in node.Outputs)
        {
            if (output.Length > 0)
                _producers[output] = node;
        }
    }
}
