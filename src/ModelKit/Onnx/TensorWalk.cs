namespace VlWorker.ModelKit.Onnx;

/// <summary>Finds the tensors of a model, wherever they are. No deeper than protobuf's own limit of nesting, which reading enforces.</summary>
internal static class TensorWalk
{
    /// <summary>All tensors: initializers, sparse ones, and those in attributes, of all graphs and functions.</summary>
    public static IEnumerable<TensorProto> All(ModelProto model)
    {
        foreach (var graph in Graphs(model))
        {
            foreach (var tensor in graph.Initializer.Concat(graph.SparseInitializer.SelectMany(Parts)))
                yield return tensor;
            foreach (var tensor in graph.Node.SelectMany(static node => node.Attribute).SelectMany(InAttribute))
                yield return tensor;
        }

        foreach (var tensor in model.Functions.SelectMany(Attributes).SelectMany(InAttribute))
            yield return tensor;
    }

    /// <summary>The initializers of all graphs.</summary>
    public static IEnumerable<TensorProto> Initializers(ModelProto model) => Graphs(model).SelectMany(static graph => graph.Initializer);

    /// <summary>All graphs: the main one, those inside it, and those of training and of functions.</summary>
    public static IEnumerable<GraphProto> Graphs(ModelProto model)
    {
        var waiting = new Stack<GraphProto>();
        foreach (var training in model.TrainingInfo)
            Push(waiting, [training.Initialization, training.Algorithm]);
        foreach (var attribute in model.Functions.SelectMany(Attributes))
            Push(waiting, [attribute.G, .. attribute.Graphs]);
        Push(waiting, [model.Graph]);
        while (waiting.TryPop(out var graph))
        {
            yield return graph;
            foreach (var attribute in graph.Node.SelectMany(static node => node.Attribute))
                Push(waiting, [attribute.G, .. attribute.Graphs]);
        }
    }

    private static void Push(Stack<GraphProto> waiting, ReadOnlySpan<GraphProto?> graphs)
    {
        foreach (var graph in graphs)
        {
            if (graph is not null)
                waiting.Push(graph);
        }
    }

    private static IEnumerable<AttributeProto> Attributes(FunctionProto function) =>
        function.AttributeProto.Concat(function.Node.SelectMany(static node => node.Attribute));

    private static IEnumerable<TensorProto> InAttribute(AttributeProto attribute)
    {
        if (attribute.T is { } tensor)
            yield return tensor;
        foreach (var one in attribute.Tensors)
            yield return one;
        if (attribute.SparseTensor is { } sparse)
        {
            foreach (var part in Parts(sparse))
                yield return part;
        }

        foreach (var part in attribute.SparseTensors.SelectMany(Parts))
            yield return part;
    }

    private static IEnumerable<TensorProto> Parts(SparseTensorProto sparse)
    {
        if (sparse.Values is { } values)
            yield return values;
        if (sparse.Indices is { } indices)
            yield return indices;
    }
}
