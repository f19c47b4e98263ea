namespace VlWorker.ModelKit.Onnx;

/// <summary>An ONNX model in memory. Unless it was loaded without, the data of all its tensors is here; may be more than 2 GB in all.</summary>
internal sealed class OnnxModel
{
    private readonly Dictionary<string, TensorProto> _initializers;

    /// <param name="proto">The message; must have a graph.</param>
    public OnnxModel(ModelProto proto)
    {
        Proto = proto;
        _initializers = new(StringComparer.Ordinal);
        foreach (var initializer in proto.Graph.Initializer)
            _initializers[initializer.Name] = initializer;
    }

    /// <summary>The message.</summary>
    public ModelProto Proto { get; }

    /// <summary>The graph.</summary>
    public GraphProto Graph => Proto.Graph;

    /// <summary>The version of ONNX's own operator set; 0 if the model imports none.</summary>
    public long Opset => Proto.OpsetImport.FirstOrDefault(static import => import.Domain is "" or "ai.onnx")?.Version ?? 0;

    /// <summary>Looks for a constant of the main graph, as the model was when it was made.</summary>
    /// <returns>Null if there is none of that name.</returns>
    /// <exception cref="InvalidDataException">It is there, but type, shape and data do not fit each other.</exception>
    public Tensor? Initializer(string name) => _initializers.TryGetValue(name, out var proto) ? TensorField.Read(proto) : null;

    /// <summary>The model as one block, as InferenceSession takes it.</summary>
    /// <exception cref="InvalidOperationException">It would pass 2 GB: save it with external data instead.</exception>
    public byte[] ToBytes() => OnnxFile.ToBytes(Proto);
}
