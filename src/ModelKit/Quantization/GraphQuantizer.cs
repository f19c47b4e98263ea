using VlWorker.ModelKit.Onnx;

namespace VlWorker.ModelKit.Quantization;

/// <summary>Rewrites a model's graphs, those of branches too, so that weights are stored as integers.</summary>
/// <param name="scheme">How weights are stored.</param>
/// <param name="filter">Which nodes are rewritten.</param>
internal sealed class GraphQuantizer(IQuantizationScheme scheme, NodeFilter filter)
{
    private static readonly HashSet<string> Quantized = new(StringComparer.Ordinal)
    {
        "DynamicQuantizeLinear", "MatMulInteger", "ConvInteger", "QLinearMatMul", "QLinearConv", "MatMulNBits", "GatherBlockQuantized",
    };

    /// <summary>Rewrites a model in place.</summary>
    /// <returns>What was done.</returns>
    /// <exception cref="InvalidDataException">The model is quantised already, too old, or has weights that are no numbers.</exception>
    public QuantizationSummary Run(OnnxModel model)
    {
        if (model.Opset < scheme.LeastOpset)
            throw new InvalidDataException($"the graph uses version {model.Opset} of ONNX's operators; at least {scheme.LeastOpset} is needed");
        var scopes = GraphScope.All(model);
        if (scopes.SelectMany(scope => scope.Graph.Node).FirstOrDefault(node => Quantized.Contains(node.OpType)) is { } known)
            throw new InvalidDataException($"the graph is quantised already (node {known.Name} is a {known.OpType}): start from its floats");
        var (rewritten, left) = (new List<NodeNote>(), new List<NodeNote>());
        var (names, constants) = (GraphScope.Names(scopes), new Dictionary<(GraphScope, string, string), string>());
        foreach (var scope in scopes)
        {
            var emitter = new NodeEmitter(names, constants);
            foreach (var node in scope.Graph.Node)
                Visit(scope, node, emitter, rewritten, left);
            scope.Graph.Node.Clear();
            scope.Graph.Node.Add(emitter.Nodes);
        }

        GraphScope.RemoveUnusedConstants(model);
        if (scheme.NeedsMicrosoftOperators && rewritten.Count > 0)
            Import(model);
        return new QuantizationSummary(rewritten, left);
    }

    private void Visit(GraphScope scope, NodeProto node, NodeEmitter emitter, List<NodeNote> rewritten, List<NodeNote> left)
    {
        var site = WeightSite.Find(scope, node);
        if (site is null)
        {
            emitter.Keep(node);
            return;
        }

        if (Reason(site) is { } reason)
        {
            left.Add(new NodeNote(site.Name, site.Operator, reason));
            emitter.Keep(node);
            return;
        }

        scheme.Rewrite(site, emitter);
        rewritten.Add(new NodeNote(site.Name, site.Operator, $"[{string.Join(", ", site.Weight.Tensor.Dims)}]"));
    }

    private string? Reason(WeightSite site)
    {
        if (!filter.Operators.Contains(site.Operator))
            return $"{site.Operator} is not asked for";
        return filter.Excluding(site.Node.Name, site.Weight.Name, site.Node.Output[0]) is { } pattern ? $"left out by {pattern}" : site.Obstacle();
    }

    // 4-bit types came with version 10 of the format.
    private static void Import(OnnxModel model)
    {
        if (model.Proto.OpsetImport.All(import => import.Domain != GraphBuilder.MicrosoftDomain))
            model.Proto.OpsetImport.Add(new OperatorSetIdProto { Domain = GraphBuilder.MicrosoftDomain, Version = 1 });
        model.Proto.IrVersion = Math.Max(model.Proto.IrVersion, 10);
    }
}
