using VlWorker.ModelKit.Families.Cpu;
using VlWorker.ModelKit.Families.Cuda;
using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Families.Idefics3.CudaGraphs;

/// <summary>A Llama's blocks over states [rows, positions, D]; rows have lengths of their own and add to their cache where it lies.</summary>
internal sealed class LlamaBlocks
{
    private readonly CudaGraph _graph;
    private readonly LlamaParameters _text;
    private readonly string _lengths;
    private readonly string _total;
    private readonly string _cos;
    private readonly string _sin;
    private readonly List<(string Value, string Name, Dim[] Dims)> _present = [];

    /// <summary>Declares the inputs that the blocks share.</summary>
    public LlamaBlocks(CudaGraph graph, LlamaParameters text)
    {
        (_graph, _text) = (graph, text);
        _lengths = Builder.Input(ChatNames.PastLengths, ElementType.Int32, "rows");
        _total = Builder.Input(ChatNames.TotalLength, ElementType.Int32);
        var (cos, sin) = RotaryPacking.Tables(text, RotaryPacking.PaddedSize(text.Layers[0]));
        (_cos, _sin) = (graph.Constant(cos.ToFloats(), cos.Dims), graph.Constant(sin.ToFloats(), sin.Dims));
    }

    private GraphBuilder Builder => _graph.Builder;

    /// <summary>All blocks.</summary>
    /// <param name="states">The embeddings.</param>
    /// <param name="single">Whether there is one position a row.</param>
    /// <param name="choose">Picks the positions that anything is computed for behind the last block's attention.</param>
    /// <returns>The normed state of the last block, of the chosen positions.</returns>
    public string Run(string states, bool single, Func<string, string> choose)
    {
        var (normed, residual) = (Norm(states, _text.Layers[0].Norm1), states);
        for (var i = 0; i < _text.Layers.Count; i++)
        {
            var layer = _text.Layers[i];
            var attended = Attend(normed, layer, i, single);
            if (i == _text.Layers.Count - 1)
                (attended, residual) = (choose(attended), choose(residual));
            var output = HeadPacking.PadInputs(layer.Output, layer.Heads, layer.HeadSize, RotaryPacking.PaddedSize(layer));
            (normed, residual) = SkipNorm(_graph.Linear(attended, output), residual, layer.Norm2);
            var added = _graph.Linear(Gated(normed, layer), layer.Down);
            (normed, residual) = SkipNorm(added, residual, i == _text.Layers.Count - 1 ? _text.FinalNorm : _text.Layers[i + 1].Norm1);
        }

        return normed;
    }

    /// <summary>Declares the cache's outputs, which must be bound to the memory of its inputs.</summary>
    public void OutputCache()
    {
        foreach (var (value, name, dims) in _present)
            Builder.Output(value, name, _graph.Type, dims);
    }

    private string Attend(string states, LlamaLayer layer, int index, bool single)
    {
        var size = RotaryPacking.PaddedSize(layer);
        Dim[] dims = ["rows", layer.KeyHeads, "capacity", size];
        var packed = _graph.Linear(states, RotaryPacking.Pack(layer, size));
        var (key, value) = (Builder.Input(CaptionerNames.PastKey(index), _graph.Type, dims), Builder.Input(CaptionerNames.PastValue(index), _graph.Type, dims));
        var scale = 1 / MathF.Sqrt(layer.HeadSize);
        var outputs = single && FusedNodes.TakesGroupQuery(_graph, layer.Heads, layer.KeyHeads, size)
            ? FusedNodes.GroupQueryStep(_graph, [packed, key, value, _lengths, _cos, _sin], layer.Heads, layer.KeyHeads, size, scale)
            : Builder.Nodes(
                "GroupQueryAttention", GraphBuilder.MicrosoftDomain, [packed, "", "", key, value, _lengths, _total, _cos, _sin], [true, true, true],
                ("num_heads", layer.Heads), ("kv_num_heads", layer.KeyHeads), ("scale", scale), ("do_rotary", 1));
        _present.Add((outputs[1], CaptionerNames.PresentKey(index), dims));
        _present.Add((outputs[2], CaptionerNames.PresentValue(index), dims));
        return outputs[0];
    }

    private string Gated(string normed, LlamaLayer layer)
    {
        if (FusedNodes.TakesActivation(_graph, layer.Gate.Outputs))
            return FusedNodes.GatedSilu(_graph, _graph.Linear(normed, HeadPacking.Pack(1, layer.Gate.Outputs, layer.Gate.Outputs, layer.Gate, layer.Up)), layer.Gate.Outputs);
        var gate = Builder.Microsoft("QuickGelu", [_graph.Linear(normed, layer.Gate)], ("alpha", 1f)); // silu
        return Builder.Node("Mul", [gate, _graph.Linear(normed, layer.Up)]);
    }

    private string Norm(string states, RmsNorm norm) => Builder.Node(
        "SimplifiedLayerNormalization", [states, _graph.Vector(norm.Gamma)], ("axis", -1), ("epsilon", norm.Epsilon));

    private (string Normed, string Residual) SkipNorm(string added, string residual, RmsNorm norm)
    {
        var outputs = Builder.Nodes(
            "SkipSimplifiedLayerNormalization", GraphBuilder.MicrosoftDomain, [added, residual, _graph.Vector(norm.Gamma)], [true, false, false, true],
            ("epsilon", norm.Epsilon));
        return (outputs[0], outputs[3]);
    }
}
