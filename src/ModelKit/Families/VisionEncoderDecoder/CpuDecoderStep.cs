using VlWorker.ModelKit.Families.Cpu;
using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Families.VisionEncoderDecoder;

/// <summary>The blocks of one step of the decoder, over states [images, beams, D].</summary>
/// <param name="graph">The graph.</param>
/// <param name="decoder">The decoder.</param>
/// <param name="imagePositions">Positions of an image's states.</param>
/// <param name="format">Format of the linear layers.</param>
internal sealed class CpuDecoderStep(GraphBuilder graph, DecoderParameters decoder, int imagePositions, LinearFormat format)
{
    private readonly List<(string Value, string Name, int Heads, int Size)> _cache = [];
    private string? _shape;
    private string? _pastLengths;
    private string? _totalLength;

    /// <summary>The parts that all blocks share.</summary>
    public CpuBlocks Blocks { get; } = new(graph);

    /// <summary>Token and position embeddings; declares the inputs that belong to a step as a whole.</summary>
    /// <param name="ids">[images, beams].</param>
    /// <param name="position">[1].</param>
    /// <returns>[images, beams, D].</returns>
    public string Embed(string ids, string position)
    {
        _pastLengths = graph.Input("past_lengths", ElementType.Int32, "rows");
        _totalLength = graph.Input("total_length", ElementType.Int32);
        _shape = graph.Node("Concat", [graph.Node("Shape", [ids]), graph.Constant(Tensor.FromInt64([-1], [1]))], ("axis", 0));
        return graph.Node("Add", [Blocks.Look(decoder.TokenEmbedding, ids, format), Blocks.Look(decoder.Positions, position, format)]);
    }

    /// <summary>One block.</summary>
    public string Run(string states, int index)
    {
        var layer = decoder.Layers[index];
        var output = HeadPacking.PadInputs(layer.Output, layer.Heads, layer.HeadSize, PaddedSize(layer));
        states = graph.Node("Add", [states, Blocks.Linears.Apply(AttendToSelf(Blocks.Norm(states, layer.Norm1), layer, index), output, format)]);
        states = graph.Node("Add", [states, Blocks.Linears.Apply(AttendToImage(Blocks.Norm(states, layer.CrossNorm), layer, index), layer.CrossOutput, format)]);
        return Blocks.FeedForward(states, layer.Norm2, layer.Up, layer.Down, decoder.Activation, format);
    }

    /// <summary>Declares the cache's outputs.</summary>
    public void OutputCache()
    {
        foreach (var (value, name, heads, size) in _cache)
            graph.Output(value, name, ElementType.Float, "rows", heads, "capacity", size);
    }

    private string AttendToSelf(string states, DecoderLayer layer, int index)
    {
        var size = PaddedSize(layer);
        var packed = Blocks.Linears.Apply(states, HeadPacking.Pack(layer.Heads, layer.HeadSize, size, layer.Query, layer.Key, layer.Value), format);
        packed = graph.Node("Reshape", [packed, graph.Constant(Tensor.FromInt64([-1, 1, 3 * layer.Heads * size], [3]))]);
        var outputs = graph.Nodes(
            "GroupQueryAttention",
            GraphBuilder.MicrosoftDomain,
            [packed, "", "", Past(index, "key", layer), Past(index, "value", layer), _pastLengths!, _totalLength!],
            [true, true, true],
            ("num_heads", layer.Heads),
            ("kv_num_heads", layer.Heads),
            ("scale", 1 / MathF.Sqrt(layer.HeadSize)));
        _cache.Add((outputs[1], $"present.{index}.key", layer.Heads, size));
        _cache.Add((outputs[2], $"present.{index}.value", layer.Heads, size));
        return graph.Node("Reshape", [outputs[0], _shape!]);
    }

    private string AttendToImage(string states, DecoderLayer layer, int index)
    {
        // The beams of an image are positions of one query, so that they share its keys and values.
        string Cross(string what) => graph.Input($"cross.{index}.{what}", ElementType.Float, "images", layer.CrossHeads, imagePositions, layer.HeadSize);
        return graph.Microsoft(
            "MultiHeadAttention",
            [Blocks.Linears.Apply(states, layer.CrossQuery, format), Cross("key"), Cross("value")],
            ("num_heads", layer.CrossHeads));
    }

    private string Past(int index, string what, DecoderLayer layer) =>
        graph.Input($"past.{index}.{what}", ElementType.Float, "rows", layer.Heads, "capacity", PaddedSize(layer));

    // GroupQueryAttention takes heads of a multiple of eight only.
    private static int PaddedSize(DecoderLayer layer) => (layer.HeadSize + 7) / 8 * 8;
}
