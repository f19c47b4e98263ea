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
    private readonly CpuCache _cache;
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
        _cache = new CpuCache(graph);
        var (cos, sin) = RotaryPacking.Tables(text, RotaryPacking.PaddedSize(text.Layers[0]));
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
        var output = HeadPacking.PadInputs(layer.Output, layer.Heads, layer.HeadSize, RotaryPacking.PaddedSize(layer));
        states = _graph.Node("Add", [states, Blocks.Linears.Apply(Attend(Norm(states, layer.Norm1), layer, index), output, _format)]);
        var normed = Norm(states, layer.Norm2);
        var gate = _graph.Microsoft("QuickGelu", [Blocks.Linears.Apply(normed, layer.Gate, _format)], ("alpha", 1f)); // silu
        var inner = _graph.Node("Mul", [gate, Blocks.Linears.Apply(normed, layer.Up, _format)]);
        return _graph.Node("Add", [states, Blocks.Linears.Apply(inner, layer.Down, _format)]);
    }

    /// <summary>Declares the cache's outputs.</summary>
    public void OutputCache() => _cache.Output();

    private string Attend(string states, LlamaLayer layer, int index)
    {
        var size = RotaryPacking.PaddedSize(layer);
        var packed = Blocks.Linears.Apply(states, RotaryPacking.Pack(layer, size), _format);
        return _cache.Attend(packed, index, layer.Heads, layer.KeyHeads, layer.HeadSize, size, _cos, _sin);
    }
}
