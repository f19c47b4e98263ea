using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Families.Cuda;

/// <summary>A text encoder that pools one position's state.</summary>
internal static class TextTower
{
    /// <summary>The normed state of one position of each text, [texts, 1, D]; declares <see cref="EmbedderNames.Ids"/>.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="text">The tower.</param>
    /// <param name="causal">Whether positions see only what is before them.</param>
    /// <param name="pick">Picks the position of states [texts, length, D]: [texts, 1, D].</param>
    public static string Pooled(CudaGraph graph, TextParameters text, bool causal, Func<string, string> pick)
    {
        var builder = graph.Builder;
        EncoderLayer[] layers = [.. text.Layers.Select(layer => EncoderBlocks.Prepare(layer, text.Activation))];
        var ids = builder.Input(EmbedderNames.Ids, ElementType.Int64, "texts", "length");
        var length = builder.Node("Shape", [ids], ("start", 1), ("end", 2));
        var places = builder.Node("Slice", [graph.Weight(text.Positions), graph.Integers(0), length, graph.Integers(0)]);
        var states = builder.Node("Add", [builder.Node("Gather", [graph.Weight(text.TokenEmbedding), ids]), places]);
        var (normed, residual) = (graph.Norm(states, layers[0].Norm1), states);
        foreach (var (layer, next) in layers.Zip(layers.Skip(1)))
        {
            var all = EncoderBlocks.Attend(graph, normed, normed, layer, causal);
            (normed, residual) = EncoderBlocks.Feed(graph, all, residual, layer, text.Activation, next.Norm1);
        }

        // What the last block attended to is needed at one position alone. Causal kernels take queries at all of them.
        var last = layers[^1];
        var attended = causal ? pick(EncoderBlocks.Attend(graph, normed, normed, last, true)) : EncoderBlocks.Attend(graph, pick(normed), normed, last, false);
        return EncoderBlocks.Feed(graph, attended, pick(residual), last, text.Activation, text.FinalNorm).Normed;
    }
}
