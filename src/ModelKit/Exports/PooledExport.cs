using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Exports;

/// <summary>The end of CLIP's towers: one position's state is taken, normed before or after, and projected.</summary>
internal static class PooledExport
{
    /// <summary>Finds projection and norm.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="output">The embedding.</param>
    /// <param name="width">Of the hidden states.</param>
    /// <param name="projected">Of the embedding.</param>
    /// <returns>The projection [D, projected], and the norm, whose input is the last block's output, all positions.</returns>
    /// <exception cref="InvalidDataException">The structure is not understood; the message names the node.</exception>
    public static (Matrix Projection, NormMatch Norm) Read(ExportedGraph graph, string output, int width, int projected)
    {
        var projection = new LinearReader(graph).Find(output) ?? throw graph.NotUnderstood(output, "the projection");
        if (projection.Inputs != width || projection.Outputs != projected)
            throw graph.NotUnderstood(output, $"a projection from {width} to {projected} (config.json)");
        var linear = projection.Read();
        if (linear.Bias is not null)
            throw graph.NotUnderstood(output, "a projection without bias");
        var norms = new NormReader(graph);
        var pooled = Selected(graph, projection.Input);
        var norm = norms.Find(pooled) ?? throw graph.NotUnderstood(pooled, "a norm in front of the projection");
        return (linear.Weight, norm with { Input = Selected(graph, norm.Input) });
    }

    // Over what takes some positions of many.
    private static string Selected(ExportedGraph graph, string value)
    {
        var at = graph.Skip(value);
        while (graph.Producer(at) is { Op: "Gather" or "GatherND" or "GatherElements" or "Slice" } node)
            at = graph.Skip(node.Input(0));
        return at;
    }
}
