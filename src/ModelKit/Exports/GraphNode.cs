using VlWorker.ModelKit.Onnx;

namespace VlWorker.ModelKit.Exports;

/// <summary>An operator of an exported graph, or of what a fused one stands for.</summary>
/// <param name="Op">Its type; those of other domains than ONNX's and ONNX Runtime's carry the domain in front.</param>
/// <param name="Name">Its name, for messages.</param>
/// <param name="Inputs">Names of its inputs; "" where an optional one is absent.</param>
/// <param name="Outputs">Names of its outputs.</param>
/// <param name="Attributes">Its attributes by name.</param>
internal sealed record GraphNode(
    string Op, string Name, IReadOnlyList<string> Inputs, IReadOnlyList<string> Outputs, IReadOnlyDictionary<string, AttributeProto> Attributes)
{
    /// <summary>ONNX Runtime's Attention, not to be taken for ONNX's.</summary>
    public const string MicrosoftAttention = "com.microsoft.Attention";

    /// <summary>The node of a file.</summary>
    public static GraphNode From(NodeProto node) => new(
        TypeOf(node), node.Name is { Length: > 0 } name ? name : node.Output.FirstOrDefault() ?? "?",
        node.Input, node.Output, node.Attribute.ToDictionary(attribute => attribute.Name, StringComparer.Ordinal));

    /// <summary>An input; "" where it is absent.</summary>
    public string Input(int index) => index < Inputs.Count ? Inputs[index] : string.Empty;

    /// <summary>An integer attribute.</summary>
    public long Integer(string name, long fallback) => Attributes.TryGetValue(name, out var attribute) ? attribute.I : fallback;

    /// <summary>A float attribute.</summary>
    public float Float(string name, float fallback) => Attributes.TryGetValue(name, out var attribute) ? attribute.F : fallback;

    /// <summary>A list of integers; null where it is absent.</summary>
    public long[]? Integers(string name) => Attributes.TryGetValue(name, out var attribute) ? [.. attribute.Ints] : null;

    /// <summary>A word.</summary>
    public string Word(string name, string fallback) => Attributes.TryGetValue(name, out var attribute) ? attribute.S.ToStringUtf8() : fallback;

    private static string TypeOf(NodeProto node) => node.Domain switch
    {
        "" or "ai.onnx" => node.OpType,
        GraphBuilder.MicrosoftDomain when node.OpType != "Attention" => node.OpType,
        _ => $"{node.Domain}.{node.OpType}",
    };
}
