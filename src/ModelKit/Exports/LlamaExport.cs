using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Exports;

/// <summary>A Llama's decoder over embeddings, and the graph that makes them.</summary>
internal sealed class LlamaExport
{
    private readonly ExportedGraph _graph;
    private readonly LlamaConfig _config;
    private readonly LinearReader _linears;
    private readonly RmsNormReader _norms;
    private readonly AttentionReader _attentions;

    private LlamaExport(ExportedGraph graph, LlamaConfig config)
    {
        (_graph, _config) = (graph, config);
        (_linears, _norms) = (new LinearReader(graph), new RmsNormReader(graph));
        _attentions = new AttentionReader(graph, _linears, config.HeadSize);
    }

    /// <summary>Reads both graphs.</summary>
    /// <exception cref="InvalidDataException">The structure is not understood; the message names the node.</exception>
    public static LlamaParameters Read(ExportedGraph decoder, ExportedGraph embeddings, LlamaConfig config) =>
        new LlamaExport(decoder, config).Read(Tokens(embeddings, config));

    private static Matrix Tokens(ExportedGraph graph, LlamaConfig config)
    {
        var output = graph.Output("inputs_embeds");
        return new EmbeddingReader(graph).Table(output) is { } table && table.Columns == config.HiddenSize
            && table.Count == (long)config.Vocabulary * config.HiddenSize
            ? table.ToMatrix()
            : throw graph.NotUnderstood(output, $"embeddings of {config.Vocabulary} x {config.HiddenSize} (config.json)");
    }

    private LlamaParameters Read(Matrix tokens)
    {
        var head = HeadExport.Find(_graph, _linears, _config.HiddenSize, _config.Vocabulary);
        var final = NormOf(HeadExport.AllPositions(_graph, head.Input));
        var layers = new LlamaLayer[_config.Layers];
        var stream = final.Input;
        for (var i = layers.Length - 1; i >= 0; i--)
            layers[i] = Layer(ref stream);
        if (_graph.Producer(stream) is not null)
            throw _graph.NotUnderstood(stream, $"the embeddings, in front of {_config.Layers} blocks (config.json),");
        return new LlamaParameters(
            _config.HiddenSize, _config.Vocabulary, _config.MaxPositions, _config.RotaryBase, tokens, layers, final.Norm,
            HeadExport.Untied(_graph, head, tokens));
    }

    private LlamaLayer Layer(ref string stream)
    {
        var (down, (gate, up), afterAttention) = Added(stream, Gated);
        var norm2 = NormOf(gate.Input);
        if (_graph.Skip(up.Input) != _graph.Skip(gate.Input) || norm2.Input != afterAttention)
            throw _graph.NotUnderstood(stream, "a feed-forward part behind one norm");
        var (output, match, before) = Added(afterAttention, _attentions.Find);
        var norm1 = NormOf(match.Query.Input);
        if (norm1.Input != before || _graph.Skip(match.Key.Input) != _graph.Skip(match.Query.Input) || _graph.Skip(match.Value.Input) != _graph.Skip(match.Query.Input))
            throw _graph.NotUnderstood(afterAttention, "an attention behind one norm");
        stream = before;
        return Checked(afterAttention, new LlamaLayer(
            norm1.Norm, Query(match), match.Key.Read(), match.Value.Read(), output.Read(),
            norm2.Norm, gate.Read(), up.Read(), down.Read(), _config.Heads, _config.KeyHeads, _config.HeadSize));
    }

    private LlamaLayer Checked(string value, LlamaLayer layer)
    {
        var (width, queries, keys) = (_config.HiddenSize, _config.Heads * _config.HeadSize, _config.KeyHeads * _config.HeadSize);
        var fits = layer.Query.Outputs == queries && layer.Key.Outputs == keys && layer.Value.Outputs == keys && layer.Output.Inputs == queries
            && layer.Output.Outputs == width && layer.Gate.Inputs == width && layer.Gate.Outputs == layer.Up.Outputs && layer.Down.Outputs == width
            && layer.Norm1.Gamma.Length == width && layer.Norm2.Gamma.Length == width;
        return fits ? layer : throw _graph.NotUnderstood(value, $"a block {width} wide with {_config.Heads} and {_config.KeyHeads} heads of {_config.HeadSize} values (config.json)");
    }

    // What a sum adds to the stream: a layer whose input is what the caller looks for.
    private (LinearMatch Layer, T Found, string Stream) Added<T>(string value, Func<string, T?> find)
        where T : class
    {
        if (_graph.Origin(value) is { Op: "Add" } add)
        {
            for (var side = 0; side < 2; side++)
            {
                if (_linears.Find(add.Input(side)) is { } layer && find(layer.Input) is { } found)
                    return (layer, found, _graph.Skip(add.Input(1 - side)));
            }
        }

        throw _graph.NotUnderstood(value, "a block's attention or feed-forward part");
    }

    // silu(gate) * up, where silu(x) = x * sigmoid(x).
    private GatedMatch? Gated(string value)
    {
        if (_graph.Origin(value) is not { Op: "Mul" } product)
            return null;
        for (var side = 0; side < 2; side++)
        {
            if (_linears.Find(product.Input(1 - side)) is { } up && Silu(product.Input(side)) is { } gate)
                return new GatedMatch(gate, up);
        }

        return null;
    }

    private LinearMatch? Silu(string value)
    {
        if (_graph.Origin(value) is not { } node)
            return null;
        if (node.Op == "QuickGelu" && node.Float("alpha", 1.702f) is 1)
            return _linears.Find(node.Input(0));
        for (var side = 0; node.Op == "Mul" && side < 2; side++)
        {
            if (_graph.Origin(node.Input(side)) is { Op: "Sigmoid" } sigmoid && _graph.Skip(sigmoid.Input(0)) == _graph.Skip(node.Input(1 - side)))
                return _linears.Find(sigmoid.Input(0));
        }

        return null;
    }

    private RmsNormMatch NormOf(string value) => _norms.Find(value) ?? throw _graph.NotUnderstood(value, "a norm by the root of the mean of the squares");

    private Linear Query(AttentionMatch match) => LayerAssembly.Query(match, _config.HeadSize);

    /// <summary>The two layers whose outputs are multiplied.</summary>
    private sealed record GatedMatch(LinearMatch Gate, LinearMatch Up);
}
