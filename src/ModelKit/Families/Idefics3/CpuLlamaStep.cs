using VlWorker.ModelKit.Families.Cpu;
using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Families.Idefics3;

/// <summary>The blocks of a Llama over states [rows, positions, D], with a cache that they add to in place.</summary>
internal sealed class CpuLlamaStep
{
    private readonly GraphBuilder _graph;
    private readonly LlamaParameters _text;
    private readonly LinearFormat _format;
    private readonly List<(string Value, string Name, int Heads, int Size)> _cache = [];
    private readonly string _pastLengths;
    private readonly string _totalLength;
    private readonly string _cos;
    private readonly string _sin;

    /// <summary>Declares the inputs that belong to a step as a whole.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="text">The text model.</param>
    /// <param name="format">Format of the linear layers.</param>
    public CpuLlamaStep(GraphBuilder graph, LlamaParameters text, LinearFormat format)
    {
        (_graph, _text, _format) = (graph, text, format);
        Blocks = new CpuBlocks(graph);
        _pastLengths = graph.Input("past_lengths", ElementType.Int32, "rows");
        _totalLength = graph.Input("total_length", ElementType.Int32);
        var (cos, sin) = RotaryPacking.Tables(text, PaddedSize(text.Layers[0]));
        (_cos, _sin) = (graph.Constant(cos), graph.Constant(sin));
    }

    /// <summary>The parts that all blocks share.</summary>
    public CpuBlocks Blocks { get; }

    /// <summary>A norm by the root of the mean of the squares.</summary>
    public string Norm(string input, RmsNorm norm) =>
        _graph.Node("SimplifiedLayerNormalization", [input, Blocks.Vector(norm.Gamma)], ("axis", -1), ("epsilon", norm.Epsilon));

    /// <summary>One block.</summary>
    public string Run(string states, int index)
    {
        var layer = _text.Layers[index];
        var output = HeadPacking.PadInputs(layer.Output, layer.Heads, layer.HeadSize, PaddedSize(layer));
        states = _graph.Node("Add", [states, Blocks.Linears.Apply(Attend(Norm(states, layer.Norm1), layer, index), output, _format)]);
        var normed = Norm(states, layer.Norm2);
        var gate = _graph.Microsoft("QuickGelu", [Blocks.Linears.Apply(normed, layer.Gate, _format)], ("alpha", 1f)); // silu
        var inner = _graph.Node("Mul", [gate, Blocks.Linears.Apply(normed, layer.Up, _format)]);
        return _graph.Node("Add", [states, Blocks.Linears.Apply(inner, layer.Down, _format)]);
    }

    /// <summary>Declares the cache's outputs.</summary>
    public void OutputCache()
    {
        foreach (var (value, name, heads, size) in _cache)
            _graph.Output(value, name, ElementType.Float, "rows", heads, "capacity", size);
    }

    private string Attend(string states, LlamaLayer layer, int index)
    {
        var size = PaddedSize(layer);
        var outputs = _graph.Nodes(
            "GroupQueryAttention",
            GraphBuilder.MicrosoftDomain,
            [
                Blocks.Linears.Apply(states, RotaryPacking.Pack(layer, size), _format), "", "",
                Past(index, "key", layer, size), Past(index, "value", layer, size), _pastLengths, _totalLength, _cos, _sin,
            ],
            [true, true, true],
            ("num_heads", layer.Heads),
            ("kv_num_heads", layer.KeyHeads),
            ("scale", 1 / MathF.Sqrt(layer.HeadSize)),
            ("do_rotary", 1));
        _cache.Add((outputs[1], $"present.{index}.key", layer.KeyHeads, size));
        _cache.Add((outputs[2], $"present.{index}.value", layer.KeyHeads, size));
        return outputs[0];
    }

    private string Past(int index, string what, LlamaLayer layer, int size) =>
        _graph.Input($"past.{index}.{what}", ElementType.Float, "rows", layer.KeyHeads, "capacity", size);

    // GroupQueryAttention rotates heads of a multiple of sixteen only.
    private static int PaddedSize(LlamaLayer layer) => (layer.HeadSize + 15) / 16 * 16;
}
