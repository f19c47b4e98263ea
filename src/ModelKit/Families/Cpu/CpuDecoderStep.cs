using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Families.Cpu;

/// <summary>One step of a decoder with cross attention, over states [images, beams, D].</summary>
/// <param name="graph">The graph.</param>
/// <param name="layers">The decoder's blocks.</param>
/// <param name="activation">Of the blocks.</param>
/// <param name="imagePositions">Positions of the encoder's states.</param>
/// <param name="format">Format of the linear layers.</param>
/// <param name="masked">Whether some of these positions may be padding: then int32 <c>cross_mask</c> [images, positions] is an input, 0 for these.</param>
internal sealed class CpuDecoderStep(
    GraphBuilder graph, IReadOnlyList<DecoderLayer> layers, Activation activation, Dim imagePositions, LinearFormat format, bool masked = false)
{
    private CpuCache? _cache;
    private string? _shape;
    private string _mask = "";

    /// <summary>The parts that all blocks share.</summary>
    public CpuBlocks Blocks { get; } = new(graph);

    /// <summary>
    /// Token and position embeddings; declares int64 <c>input_ids</c> [images, beams], int64 <c>position</c> [1] and what else belongs to a step as
    /// a whole.
    /// </summary>
    /// <returns>[images, beams, D].</returns>
    public string Embed(Matrix tokens, Matrix positions)
    {
        var ids = graph.Input("input_ids", ElementType.Int64, "images", "beams");
        var position = graph.Input("position", ElementType.Int64, 1);
        _cache = new CpuCache(graph);
        if (masked)
            _mask = graph.Input("cross_mask", ElementType.Int32, "images", imagePositions);
        _shape = graph.Node("Concat", [graph.Node("Shape", [ids]), graph.Constant(Tensor.FromInt64([-1], [1]))], ("axis", 0));
        return graph.Node("Add", [Blocks.Look(tokens, ids, format), Blocks.Look(positions, position, format)]);
    }

    /// <summary>All blocks.</summary>
    /// <returns>[images, beams, D].</returns>
    public string Run(string states)
    {
        for (var i = 0; i < layers.Count; i++)
            states = Run(states, layers[i], i);
        return states;
    }

    /// <summary>Declares the cache's outputs.</summary>
    public void OutputCache() => _cache!.Output();

    private string Run(string states, DecoderLayer layer, int index)
    {
        var output = HeadPacking.PadInputs(layer.Output, layer.Heads, layer.HeadSize, PaddedSize(layer));
        states = Blocks.Residual(
            states, layer.Norm1, layer.NormsBehind, value => Blocks.Linears.Apply(AttendToSelf(value, layer, index), output, format));
        states = Blocks.Residual(
            states, layer.CrossNorm, layer.NormsBehind, value => Blocks.Linears.Apply(AttendToImage(value, layer, index), layer.CrossOutput, format));
        return Blocks.FeedForward(states, layer.Norm2, layer.NormsBehind, layer.Up, layer.Down, activation, format);
    }

    private string AttendToSelf(string states, DecoderLayer layer, int index)
    {
        var size = PaddedSize(layer);
        var packed = Blocks.Linears.Apply(states, HeadPacking.Pack(layer.Heads, layer.HeadSize, size, layer.Query, layer.Key, layer.Value), format);
        packed = graph.Node("Reshape", [packed, graph.Constant(Tensor.FromInt64([-1, 1, 3 * layer.Heads * size], [3]))]);
        return graph.Node("Reshape", [_cache!.Attend(packed, index, layer.Heads, layer.Heads, layer.HeadSize, size), _shape!]);
    }

    private string AttendToImage(string states, DecoderLayer layer, int index)
    {
        // The beams of an image are positions of one query, so that they share its keys and values.
        string Cross(string what) => graph.Input($"cross.{index}.{what}", ElementType.Float, "images", layer.CrossHeads, imagePositions, layer.HeadSize);
        string[] operands = [Blocks.Linears.Apply(states, layer.CrossQuery, format), Cross("key"), Cross("value")];
        return graph.Microsoft("MultiHeadAttention", masked ? [.. operands, "", _mask] : operands, ("num_heads", layer.CrossHeads));
    }

    // GroupQueryAttention takes heads of a multiple of eight only.
    private static int PaddedSize(DecoderLayer layer) => (layer.HeadSize + 7) / 8 * 8;
}
