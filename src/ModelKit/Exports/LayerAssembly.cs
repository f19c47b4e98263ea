using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Exports;

/// <summary>Puts the parts of a residual stream together to blocks and checks them against config.json.</summary>
/// <param name="Graph">The graph, for messages.</param>
/// <param name="Layers">Blocks that config.json names.</param>
/// <param name="Width">Of the hidden states.</param>
/// <param name="HeadSize">Width of a head.</param>
/// <param name="Activation">The activation that config.json names.</param>
internal sealed record LayerAssembly(ExportedGraph Graph, int Layers, int Width, int HeadSize, Activation Activation)
{
    /// <summary>Whether the norms stand behind the parts.</summary>
    public bool NormsBehind { get; init; }

    /// <summary>Blocks of an attention and a feed-forward part.</summary>
    /// <exception cref="InvalidDataException">The graph holds something else.</exception>
    public IReadOnlyList<EncoderLayer> Encoder(IReadOnlyList<SubLayer> found, string rest)
    {
        var parts = InOrder(found, rest, 2);
        return [.. parts.Select((block, i) => block is [Attention { Source: null } attention, FeedForward feed]
            ? new EncoderLayer(
                attention.Norm, Query(attention, HeadSize), attention.Match.Key.Read(), attention.Match.Value.Read(), attention.Output.Read(),
                feed.Norm, feed.Up.Read(), feed.Down.Read(), Heads(attention), HeadSize) { NormsBehind = NormsBehind }
            : throw Graph.NotUnderstood(block[0].Residual, $"block {i} with an attention and a feed-forward part"))];
    }

    /// <summary>Blocks of a self attention, a cross attention and a feed-forward part.</summary>
    /// <param name="found">The parts, the last one first.</param>
    /// <param name="rest">The stream in front of the first block, for messages.</param>
    /// <param name="source">What the cross attentions look at.</param>
    /// <exception cref="InvalidDataException">The graph holds something else.</exception>
    public IReadOnlyList<DecoderLayer> Decoder(IReadOnlyList<SubLayer> found, string rest, out string source)
    {
        var parts = InOrder(found, rest, 3);
        var seen = parts.Select(static block => (block[1] as Attention)?.Source).Distinct().ToList();
        source = seen is [{ } only] ? only : throw Graph.NotUnderstood(rest, "a cross attention in every block, all to the same states");
        return [.. parts.Select((block, i) => block is [Attention { Source: null } self, Attention cross, FeedForward feed]
            ? new DecoderLayer(
                self.Norm, Query(self, HeadSize), self.Match.Key.Read(), self.Match.Value.Read(), self.Output.Read(),
                cross.Norm, Query(cross, HeadSize), cross.Match.Key.Read(), cross.Match.Value.Read(), cross.Output.Read(),
                feed.Norm, feed.Up.Read(), feed.Down.Read(), Heads(self), Heads(cross), HeadSize) { NormsBehind = NormsBehind }
            : throw Graph.NotUnderstood(block[0].Residual, $"block {i} with a self attention, a cross attention and a feed-forward part"))];
    }

    private List<SubLayer[]> InOrder(IReadOnlyList<SubLayer> found, string rest, int perBlock)
    {
        if (found.Count != Layers * perBlock)
        {
            var expected = $"{Layers} blocks of {perBlock} parts (config.json); {found.Count} parts were found behind it, and another one";
            throw Graph.NotUnderstood(rest, expected);
        }

        foreach (var part in found)
            Check(part);
        return [.. found.Reverse().Chunk(perBlock)];
    }

    private void Check(SubLayer part)
    {
        if (part.Norm.Gamma.Length != Width || part.Norm.Beta.Length != Width)
            throw Graph.NotUnderstood(part.Residual, $"a norm of {Width} values (config.json)");
        switch (part)
        {
            case FeedForward feed when feed.Up.Inputs != Width || feed.Down.Outputs != Width || feed.Up.Outputs != feed.Down.Inputs:
                throw Graph.NotUnderstood(part.Residual, $"a feed-forward part from {Width} to {Width} values (config.json)");
            case FeedForward feed when feed.Activation != Activation:
                throw Graph.NotUnderstood(part.Residual, $"the activation {Activation} (config.json), not {feed.Activation},");
            case Attention attention when attention.Match.Query.Outputs % HeadSize != 0 || attention.Match.Query.Outputs != attention.Match.Key.Outputs
                || attention.Match.Value.Outputs != attention.Output.Inputs || attention.Output.Outputs != Width:
                throw Graph.NotUnderstood(part.Residual, $"an attention with heads of {HeadSize} values, from {Width} to {Width} (config.json),");
        }
    }

    private int Heads(Attention attention) => attention.Match.Query.Outputs / HeadSize;

    /// <summary>The layer of the queries: what an export scales otherwise than by 1 / sqrt(headSize) goes into it.</summary>
    public static Linear Query(Attention attention, int headSize) => Query(attention.Match, headSize);

    /// <inheritdoc cref="Query(Attention, int)"/>
    public static Linear Query(AttentionMatch match, int headSize)
    {
        const float Rounding = 1e-3f; // scales in fp16
        var factor = match.Scale is { } scale ? scale * MathF.Sqrt(headSize) : 1;
        var query = match.Query.Read();
        return MathF.Abs(factor - 1) <= Rounding ? query : query.Scale(factor);
    }
}
