using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Families.Cuda;

/// <summary>The blocks of towers, over states of many rows: six products and the attention, nearly everything else inside their kernels.</summary>
internal static class EncoderBlocks
{
    // From this depth on the product of our own is the faster one, even if nothing follows it.
    private const int DepthOfProjection = 256;

    /// <summary>The same function with as few additions of biases as the norms' gammas allow.</summary>
    /// <param name="layer">The block.</param>
    /// <param name="activation">Its activation.</param>
    /// <param name="movable">Whether the norm in front of the attention may give something else, where the layers behind it make up for that.</param>
    public static EncoderLayer Prepare(EncoderLayer layer, Activation activation, bool movable = true)
    {
        var attention = movable ? BiasFold.Move(layer.Norm1) : null;
        var prepared = layer with
        {
            Key = layer.Key with { Bias = null },
            Value = layer.Value with { Bias = null },
            Output = layer.Output with { Bias = BiasFold.OutputBias(layer.Output, layer.Value, null) },
        };
        if (layer.Query.Bias is not null && attention is var (norm, shift, constant))
        {
            prepared = prepared with
            {
                Norm1 = norm,
                Query = BiasFold.Fold(layer.Query, norm.Gamma, shift, constant),
                Output = layer.Output with { Bias = BiasFold.OutputBias(layer.Output, layer.Value, shift) },
            };
        }

        // The kernels of GELU add the bias themselves.
        var free = activation is Activation.Gelu or Activation.GeluTanh || layer.Up.Bias is null;
        return !free && BiasFold.Move(layer.Norm2) is var (norm2, shift2, constant2)
            ? prepared with { Norm2 = norm2, Up = BiasFold.Fold(layer.Up, norm2.Gamma, shift2, constant2) }
            : prepared;
    }

    /// <summary>A block up to the attention's result.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="queries">Normed states of the positions that ask.</param>
    /// <param name="states">Normed states of all positions.</param>
    /// <param name="layer">The block, prepared.</param>
    /// <param name="causal">Whether positions see only what is before them.</param>
    /// <param name="keyMask">Which positions are seen; null where all are.</param>
    public static string Attend(CudaGraph graph, string queries, string states, EncoderLayer layer, bool causal, string? keyMask = null) =>
        graph.Attention(
            Project(graph, queries, layer.Query), Project(graph, states, layer.Key), Project(graph, states, layer.Value), layer.Heads, causal, keyMask);

    /// <summary>A block from the attention's result to the norm that follows it.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="attended">What the attention gave.</param>
    /// <param name="residual">What the block adds to.</param>
    /// <param name="layer">The block, prepared.</param>
    /// <param name="activation">Its activation.</param>
    /// <param name="next">The norm that follows.</param>
    /// <returns>The norm, and what it is of.</returns>
    public static (string Normed, string Residual) Feed(
        CudaGraph graph, string attended, string residual, EncoderLayer layer, Activation activation, LayerNorm next)
    {
        (var normed, residual) = Add(graph, attended, layer.Output, residual, layer.Norm2);
        return Add(graph, graph.Activate(normed, layer.Up, activation), layer.Down, residual, next);
    }

    /// <summary>x * weight + bias.</summary>
    public static string Project(CudaGraph graph, string x, Linear linear) =>
        linear.Inputs >= DepthOfProjection && FusedNodes.TakesLinear(graph, linear) ? FusedNodes.Linear(graph, x, linear) : graph.Linear(x, linear);

    /// <summary>Tokens at their places, normed: [images, length, D].</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="tokens">[images, length, D].</param>
    /// <param name="places">[longest, D].</param>
    /// <param name="norm">Behind the sum.</param>
    public static string Place(CudaGraph graph, string tokens, Matrix places, LayerNorm norm)
    {
        var table = graph.Constant(places.Values, [1, places.Rows, places.Columns]);
        var count = graph.Builder.Node("Shape", [tokens], ("start", 1), ("end", 2));
        return graph.LastNorm(tokens, graph.Builder.Node("Slice", [table, graph.Integers(0), count, graph.Integers(1)]), norm, null);
    }

    /// <summary>A block of BART's encoder, whose norms stand behind its parts.</summary>
    public static string NormsBehind(CudaGraph graph, string states, EncoderLayer layer, Activation activation)
    {
        var normed = Look(graph, states, states, (layer.Query, layer.Key, layer.Value, layer.Output), layer.Heads, layer.Norm1);
        return FeedBehind(graph, normed, layer.Up, layer.Down, layer.Norm2, activation);
    }

    /// <summary>
    /// A block of BERT with norms behind its parts that also reads states of something else: self attention, attention to those, feed-forward part.
    /// </summary>
    public static string Read(CudaGraph graph, string states, string others, DecoderLayer layer, Activation activation)
    {
        states = Look(graph, states, states, (layer.Query, layer.Key, layer.Value, layer.Output), layer.Heads, layer.Norm1);
        var cross = (layer.CrossQuery, layer.CrossKey, layer.CrossValue, layer.CrossOutput);
        states = Look(graph, states, others, cross, layer.CrossHeads, layer.CrossNorm);
        return FeedBehind(graph, states, layer.Up, layer.Down, layer.Norm2, activation);
    }

    // norm(x + attention of x to others).
    private static string Look(
        CudaGraph graph, string states, string others, (Linear Query, Linear Key, Linear Value, Linear Output) layers, int heads, LayerNorm norm)
    {
        // The keys' bias cancels in the softmax.
        var attended = graph.Attention(
            Project(graph, states, layers.Query), Project(graph, others, layers.Key with { Bias = null }), Project(graph, others, layers.Value with { Bias = null }), heads);
        return Add(graph, attended, layers.Output with { Bias = BiasFold.OutputBias(layers.Output, layers.Value, null) }, states, norm).Normed;
    }

    // norm(x + down(activation(up(x)))).
    private static string FeedBehind(CudaGraph graph, string states, Linear up, Linear down, LayerNorm norm, Activation activation) =>
        Add(graph, graph.Activate(states, up, activation), down, states, norm).Normed;

    // x * weight + bias + residual: its norm, and the sum.
    private static (string Normed, string Residual) Add(CudaGraph graph, string x, Linear linear, string residual, LayerNorm norm) =>
        FusedNodes.TakesNormLinear(graph, linear) ? FusedNodes.NormLinear(graph, x, linear, residual, norm)
        : graph.SkipNorm(graph.MatMul(x, linear.Weight), residual, norm, linear.Bias);
}
