using VlWorker.ModelKit.Onnx;

namespace VlWorker.ModelKit.Quantization.HalfPrecision;

/// <summary>A copy of a graph that tells the range of each of its floats.</summary>
/// <param name="Model">The copy; its own outputs are there still.</param>
/// <param name="Probes">The values that are measured.</param>
internal sealed record CalibrationGraph(OnnxModel Model, IReadOnlyList<Probe> Probes)
{
    private const string Prefix = "vlworker.probe.";

    private static TypeProto Scalar => new() { TensorType = new() { ElemType = (int)ElementType.Float, Shape = new() } };

    /// <summary>Makes the copy.</summary>
    /// <param name="model">The model; stays as it is.</param>
    /// <param name="branch">The name of the branch that If nodes of the main graph take, <c>then_branch</c> or <c>else_branch</c>.</param>
    public static CalibrationGraph Of(OnnxModel model, string branch)
    {
        var copy = model.Proto.Clone();
        Inline(copy.Graph, branch);
        var probes = new List<Probe>();
        var nodes = new List<NodeProto>();
        foreach (var name in Floats(copy.Graph))
        {
            var probe = new Probe(name, $"{Prefix}{probes.Count}.largest", $"{Prefix}{probes.Count}.errors", $"{Prefix}{probes.Count}.squares");
            probes.Add(probe);
            Measure(nodes, name, probe, $"{Prefix}{probes.Count}.");
            foreach (var output in new[] { probe.Largest, probe.Errors, probe.Squares })
                copy.Graph.Output.Add(new ValueInfoProto { Name = output, Type = Scalar });
        }

        copy.Graph.Initializer.Add(TensorField.Write(Tensor.Scalar(HalfConstant.MaskFrom), Prefix + "mask"));
        copy.Graph.Initializer.Add(TensorField.Write(Tensor.Scalar(0f), Prefix + "zero"));
        copy.Graph.Node.Add(nodes);
        return new CalibrationGraph(new OnnxModel(copy), probes);
    }

    /// <summary>Whether a graph has branches of its own for its first step and for further ones.</summary>
    public static bool HasBranches(OnnxModel model) => model.Graph.Node.Any(node => node.OpType == "If");

    // Masks hold numbers that mean "nothing": they are not measured.
    private static void Measure(List<NodeProto> nodes, string value, Probe probe, string prefix)
    {
        string Add(string op, string[] inputs, string? output = null, params ReadOnlySpan<(string, object)> attributes)
        {
            output ??= $"{prefix}{nodes.Count}";
            var node = new NodeProto { OpType = op, Name = output, Input = { inputs }, Output = { output } };
            foreach (var (name, attribute) in attributes)
                node.Attribute.Add(AttributeFactory.Create(name, attribute));
            nodes.Add(node);
            return output;
        }

        var real = Add("Less", [Add("Abs", [value]), Prefix + "mask"]);
        var clean = Add("Where", [real, value, Prefix + "zero"]);
        Add("ReduceMax", [Add("Abs", [clean])], probe.Largest, ("keepdims", 0));
        var rounded = Add("Cast", [Add("Cast", [clean], null, ("to", ElementType.Float16))], null, ("to", ElementType.Float));
        Add("ReduceSumSquare", [Add("Sub", [clean, rounded])], probe.Errors, ("keepdims", 0));
        Add("ReduceSumSquare", [clean], probe.Squares, ("keepdims", 0));
    }

    private static List<string> Floats(GraphProto graph)
    {
        var floats = graph.Initializer.Where(initializer => (ElementType)initializer.DataType == ElementType.Float)
            .Select(initializer => initializer.Name)
            .Concat(graph.Input.Where(input => (ElementType)(input.Type?.TensorType?.ElemType ?? 0) == ElementType.Float).Select(input => input.Name))
            .ToHashSet(StringComparer.Ordinal);
        var measured = new List<string>();
        foreach (var node in graph.Node)
        {
            var outputs = GraphScope.Subgraphs(node).Any() ? new bool[node.Output.Count] : FloatValues.Outputs(node, floats.Contains);
            for (var i = 0; i < outputs.Length; i++)
            {
                if (!outputs[i] || node.Output[i].Length == 0)
                    continue;
                floats.Add(node.Output[i]);
                // The caches that attention gives out have room that nobody has written to; what comes into them was measured in front of it.
                if (node.OpType != "Constant" && (i == 0 || node.OpType != "GroupQueryAttention"))
                    measured.Add(node.Output[i]);
            }
        }

        return measured;
    }

    private static void Inline(GraphProto graph, string branch)
    {
        var nodes = new List<NodeProto>();
        foreach (var node in graph.Node)
        {
            if (node.OpType != "If" || node.Attribute.FirstOrDefault(attribute => attribute.Name == branch)?.G is not { } inner)
            {
                nodes.Add(node);
                continue;
            }

            graph.Initializer.Add(inner.Initializer);
            nodes.AddRange(inner.Node);
            nodes.AddRange(inner.Output.Zip(node.Output, (from, to) => (From: from.Name, To: to))
                .Where(pair => pair.From != pair.To && pair.To.Length > 0)
                .Select(pair => new NodeProto { OpType = "Identity", Input = { pair.From }, Output = { pair.To } }));
        }

        graph.Node.Clear();
        graph.Node.Add(nodes);
    }
}

/// <summary>A value that is measured, and the outputs that tell of it, each a scalar.</summary>
/// <param name="Value">Its name.</param>
/// <param name="Largest">Output: its greatest magnitude.</param>
/// <param name="Errors">Output: the sum of the squared errors of rounding it to 16 bits.</param>
/// <param name="Squares">Output: the sum of its squares.</param>
internal sealed record Probe(string Value, string Largest, string Errors, string Squares);
