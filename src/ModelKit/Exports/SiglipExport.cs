using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Exports;

/// <summary>SigLIP's two graphs.</summary>
internal static class SiglipExport
{
    private const string Output = "pooler_output";

    /// <summary>Reads both graphs.</summary>
    /// <exception cref="InvalidDataException">The structure is not understood; the message names the node.</exception>
    /// <exception cref="NotSupportedException">config.json asks for something that is not implemented.</exception>
    public static SiglipParameters Read(ExportedGraph vision, ExportedGraph text, JsonFile config)
    {
        var sizes = VisionConfig.ReadSiglip(config);
        var (pool, states) = Pool(vision, sizes);
        var (tower, projection) = PooledExport.ReadText(text, Output, TextConfig.ReadSiglip(config));
        return new SiglipParameters(
            Vision(vision, sizes, states), pool, tower, projection.Bias ?? throw text.NotUnderstood(text.Output(Output), "a projection with a bias"));
    }

    private static VisionParameters Vision(ExportedGraph graph, VisionConfig config, string states)
    {
        var final = new NormReader(graph).Find(states) ?? throw graph.NotUnderstood(states, "the norm behind the last block");
        var found = new BlockReader(graph, new LinearReader(graph), config.HeadSize).Walk(final.Input, out var rest);
        var layers = new LayerAssembly(graph, config.Layers, config.HiddenSize, config.HeadSize, config.Activation).Encoder(found, rest);
        var (projection, bias, positions, places) = new EmbeddingReader(graph).Places(rest, config);
        if (graph.Constants.Integers(places) is { } order && !order.AsSpan().SequenceEqual([.. Enumerable.Range(0, config.Patches).Select(static i => (long)i)]))
            throw graph.NotUnderstood(rest, "positions in the patches' own order");
        return new VisionParameters(
            config.ImageWidth, config.ImageHeight, config.PatchSize, config.HiddenSize, config.Activation,
            projection, bias, [], positions, null, layers, final.Norm, null);
    }

    // The head, and the value that it looks at.
    private static (AttentionPool Pool, string States) Pool(ExportedGraph graph, VisionConfig config)
    {
        var value = PooledExport.Selected(graph, graph.Output(Output));
        var linears = new LinearReader(graph);
        if (new BlockReader(graph, linears, config.HeadSize).Find(value) is not FeedForward feed || feed.Activation != config.Activation)
            throw graph.NotUnderstood(value, $"a feed-forward part with the activation {config.Activation} (config.json)");
        if (linears.Find(feed.Residual) is not { } output || new AttentionReader(graph, linears, config.HeadSize).Find(output.Input) is not { } attention)
            throw graph.NotUnderstood(feed.Residual, "the attention that pools the patches");
        var probe = Probe(graph, attention.Query.Input);
        var states = graph.Skip(attention.Key.Input);
        if (probe.Count != config.HiddenSize || graph.Skip(attention.Value.Input) != states || attention.Key.Inputs != config.HiddenSize
            || attention.Value.Outputs != config.HiddenSize || output.Outputs != config.HiddenSize)
            throw graph.NotUnderstood(feed.Residual, $"an attention of one query of {config.HiddenSize} values (config.json) to the patches");
        var pool = new AttentionPool(
            LayerAssembly.Query(attention, config.HeadSize).Apply(probe.Read()), attention.Key.Read(), attention.Value.Read(), output.Read(),
            feed.Norm, feed.Up.Read(), feed.Down.Read(), config.Heads);
        return (pool, states);
    }

    // The learned query, before it is repeated for every image.
    private static Folded Probe(ExportedGraph graph, string value)
    {
        var at = graph.Skip(value);
        while (graph.Producer(at) is { Op: "Tile" } tile)
            at = graph.Skip(tile.Input(0));
        return graph.Constants.Find(at) ?? throw graph.NotUnderstood(at, "the learned query");
    }
}
