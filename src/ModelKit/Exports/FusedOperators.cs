using Google.Protobuf;
using VlWorker.ModelKit.Onnx;

namespace VlWorker.ModelKit.Exports;

/// <summary>Takes ONNX Runtime's fused operators apart, so that what reads the graph meets each part in one form.</summary>
internal static class FusedOperators
{
    private static readonly HashSet<string> MatMuls = ["MatMul", "Gemm", "FusedMatMul", "MatMulNBits", "MatMulIntegerToFloat", "DynamicQuantizeMatMul"];

    private static readonly Dictionary<string, AttributeProto> None = [];

    /// <summary>The nodes that a node stands for; itself where it is not fused.</summary>
    /// <param name="node">The node.</param>
    /// <param name="producer">What makes a value.</param>
    public static IEnumerable<GraphNode> Expand(GraphNode node, Func<string, GraphNode?> producer) => node.Op switch
    {
        "SkipLayerNormalization" => SkipLayerNormalization(node, producer),
        "BiasGelu" => WithBias(node, "Gelu", None),
        "FastGelu" => WithBias(node, "Gelu", Tanh),
        _ => [node],
    };

    private static Dictionary<string, AttributeProto> Tanh { get; } =
        new() { ["approximate"] = new AttributeProto { Name = "approximate", S = ByteString.CopyFromUtf8("tanh") } };

    private static IEnumerable<GraphNode> SkipLayerNormalization(GraphNode node, Func<string, GraphNode?> producer)
    {
        var (left, right, bias) = (node.Input(0), node.Input(1), node.Input(4));
        if (bias.Length > 0)
        {
            // The bias belongs to the matrix product, whichever of the two inputs that is.
            if (IsMatMul(producer(right)) && !IsMatMul(producer(left)))
                (left, right) = (right, left);
            var biased = node.Outputs[0] + "/biased";
            yield return new GraphNode("Add", node.Name, [left, bias], [biased], None);
            left = biased;
        }

        var sum = node.Outputs.Count > 3 && node.Outputs[3].Length > 0 ? node.Outputs[3] : node.Outputs[0] + "/sum";
        yield return new GraphNode("Add", node.Name, [left, right], [sum], None);
        yield return new GraphNode("LayerNormalization", node.Name, [sum, node.Input(2), node.Input(3)], [node.Outputs[0]], node.Attributes);
    }

    private static IEnumerable<GraphNode> WithBias(GraphNode node, string op, Dictionary<string, AttributeProto> attributes)
    {
        var input = node.Input(0);
        if (node.Input(1).Length > 0)
        {
            yield return new GraphNode("Add", node.Name, [input, node.Input(1)], [input = node.Outputs[0] + "/biased"], None);
        }

        yield return new GraphNode(op, node.Name, [input], node.Outputs, attributes);
    }

    private static bool IsMatMul(GraphNode? node) => node is not null && MatMuls.Contains(node.Op);
}
