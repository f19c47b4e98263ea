using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Exports;

/// <summary>Towers that end in one position's state, normed before or after it is taken, and projected.</summary>
internal static class PooledExport
{
    /// <summary>Finds projection and norm.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="output">The embedding.</param>
    /// <param name="width">Of the hidden states.</param>
    /// <param name="projected">Of the embedding.</param>
    /// <returns>The projection from D to projected, and the norm, whose input is the last block's output, all positions.</returns>
    /// <exception cref="InvalidDataException">The structure is not understood; the message names the node.</exception>
    public static (Linear Projection, NormMatch Norm) Read(ExportedGraph graph, string output, int width, int projected)
    {
        var projection = new LinearReader(graph).Find(output) ?? throw graph.NotUnderstood(output, "the projection");
        if (projection.Inputs != width || projection.Outputs != projected)
            throw graph.NotUnderstood(output, $"a projection from {width} to {projected} (config.json)");
        var norms = new NormReader(graph);
        var pooled = Selected(graph, projection.Input);
        var norm = norms.Find(pooled) ?? throw graph.NotUnderstood(pooled, "a norm in front of the projection");
        return (projection.Read(), norm with { Input = Selected(graph, norm.Input) });
    }

    /// <summary>A text tower, and its projection with its bias.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="name">The embedding's name.</param>
    /// <param name="config">Sizes of the tower.</param>
    /// <exception cref="InvalidDataException">The structure is not understood; the message names the node.</exception>
    public static (TextParameters Text, Linear Projection) ReadText(ExportedGraph graph, string name, TextConfig config)
    {
        var (projection, final) = Read(graph, graph.Output(name), config.HiddenSize, config.Projection);
        var found = new BlockReader(graph, new LinearReader(graph), config.HeadSize).Walk(final.Input, out var rest);
        var layers = new LayerAssembly(graph, config.Layers, config.HiddenSize, config.HeadSize, config.Activation).Encoder(found, rest);
        var (tokens, positions) = new EmbeddingReader(graph).Texts(rest, config);
        var text = new TextParameters(
            config.HiddenSize, config.Vocabulary, config.MaxPositions, config.Activation, tokens, positions, layers, final.Norm, projection.Weight);
        return (text, projection);
    }

    /// <summary>The matrix of a projection.</summary>
    /// <exception cref="InvalidDataException">It has a bias.</exception>
    public static Matrix WithoutBias(ExportedGraph graph, string output, Linear projection) =>
        projection.Bias is null ? projection.Weight : throw graph.NotUnderstood(output, "a projection without bias");

    /// <summary>Steps over what takes some positions of many.</summary>
    public static string Selected(ExportedGraph graph, string value)
    {
        var at = graph.Skip(value);
        while (graph.Producer(at) is { Op: "Gather" or "GatherND" or "GatherElements" or "Slice" } node)
            at = graph.Skip(node.Input(0));
        return at;
    }
}
