using VlWorker.ModelKit.Onnx;

namespace VlWorker.ModelKit.Inspection;

/// <summary>Reads what there is to say about a graph.</summary>
internal static class GraphInspector
{
    /// <summary>Reads a graph's facts.</summary>
    /// <exception cref="InvalidDataException">The file is malformed.</exception>
    public static GraphFacts Read(string folder, string name, string path)
    {
        var model = OnnxFile.Load(path, externalData: false);
        var constants = model.Graph.Initializer.Select(static tensor => tensor.Name).ToHashSet(StringComparer.Ordinal); // old exporters list them among the inputs
        var weights = new SortedDictionary<string, long>(StringComparer.Ordinal);
        var nodes = Count(model.Graph, weights);
        return new GraphFacts(
            name, Path.GetRelativePath(folder, path).Replace('\\', '/'), FileBytes(path), model.Opset,
            $"{model.Proto.ProducerName} {model.Proto.ProducerVersion}".Trim(), nodes,
            [.. model.Graph.Input.Where(input => !constants.Contains(input.Name)).Select(Describe)], [.. model.Graph.Output.Select(Describe)], weights);
    }

    /// <summary>Bytes of a graph's file and of what it keeps in others.</summary>
    public static long FileBytes(string path) => new FileInfo(path).Length + GraphChoice.ExternalData(path).Sum(static file => new FileInfo(file).Length);

    private static int Count(GraphProto graph, SortedDictionary<string, long> weights)
    {
        foreach (var tensor in graph.Initializer)
            Add(weights, tensor);
        foreach (var constant in graph.Node.Where(static node => node.OpType == "Constant").SelectMany(static node => node.Attribute).Where(static value => value.T is not null))
            Add(weights, constant.T);
        return graph.Node.Count + graph.Node.SelectMany(static node => node.Attribute).Where(static value => value.G is not null).Sum(value => Count(value.G, weights));
    }

    private static void Add(SortedDictionary<string, long> weights, TensorProto tensor)
    {
        var type = (ElementType)tensor.DataType;
        if (type is ElementType.String or ElementType.Undefined)
            return;
        var name = type.ToString().ToLowerInvariant();
        weights[name] = weights.GetValueOrDefault(name) + type.ByteLength([.. tensor.Dims]);
    }

    private static string Describe(ValueInfoProto value)
    {
        var type = value.Type?.TensorType;
        var dims = type?.Shape?.Dim.Select(static dim => dim.HasDimParam ? dim.DimParam : dim.HasDimValue ? dim.DimValue.ToString(System.Globalization.CultureInfo.InvariantCulture) : "?");
        return $"{value.Name} {((ElementType)(type?.ElemType ?? 0)).ToString().ToLowerInvariant()} [{string.Join(", ", dims ?? [])}]";
    }
}
