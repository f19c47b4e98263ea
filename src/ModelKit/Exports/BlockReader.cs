using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Exports;

/// <summary>A part of a block, x += f(norm(x)) or x = norm(x + f(x)), found in a graph.</summary>
/// <param name="Norm">The norm.</param>
/// <param name="Residual">x.</param>
internal abstract record SubLayer(LayerNorm Norm, string Residual);

/// <summary>x += Down(activation(Up(norm(x)))).</summary>
internal sealed record FeedForward(LayerNorm Norm, LinearMatch Up, Activation Activation, LinearMatch Down, string Residual) : SubLayer(Norm, Residual);

/// <summary>x += Output(attention(Query(norm(x)), Key(source), Value(source))).</summary>
/// <param name="Norm">The norm.</param>
/// <param name="Match">Query, key and value.</param>
/// <param name="Output">The layer behind.</param>
/// <param name="Source">What keys and values are made of; null for the normed x itself.</param>
/// <param name="Residual">x.</param>
internal sealed record Attention(LayerNorm Norm, AttentionMatch Match, LinearMatch Output, string? Source, string Residual) : SubLayer(Norm, Residual);

/// <summary>Walks up a residual stream: each step finds the part that was added last.</summary>
/// <param name="graph">The graph.</param>
/// <param name="linears">Finds layers.</param>
/// <param name="headSize">Width of a head.</param>
/// <param name="normsBehind">Whether norms stand behind the sums, as in BART, and not in front of the parts.</param>
internal sealed class BlockReader(ExportedGraph graph, LinearReader linears, int headSize, bool normsBehind = false)
{
    private readonly NormReader _norms = new(graph);
    private readonly ActivationReader _activations = new(graph, linears);
    private readonly AttentionReader _attentions = new(graph, linears, headSize);

    /// <summary>All parts that end in a value, the last one first.</summary>
    /// <param name="value">The residual stream behind the last block.</param>
    /// <param name="rest">The stream in front of the first.</param>
    public List<SubLayer> Walk(string value, out string rest)
    {
        var found = new List<SubLayer>();
        while (Find(value) is { } layer)
        {
            found.Add(layer);
            value = layer.Residual;
        }

        rest = value;
        return found;
    }

    /// <summary>The part that a value ends in; null if it is the end of none.</summary>
    public SubLayer? Find(string value)
    {
        var behind = normsBehind ? _norms.Find(value) : null;
        if (graph.Origin(behind?.Input ?? value) is not { Op: "Add" } add || (normsBehind && behind is null))
            return null;
        for (var side = 0; side < 2; side++)
        {
            var residual = graph.Skip(add.Input(1 - side));
            if (linears.Find(add.Input(side)) is { } output
                && ((SubLayer?)Feed(output, residual, behind?.Norm) ?? Attend(output, residual, behind?.Norm)) is { } layer)
                return layer;
        }

        return null;
    }

    private FeedForward? Feed(LinearMatch down, string residual, LayerNorm? behind)
    {
        if (_activations.Find(down.Input) is not { } activation)
            return null;
        return NormOf(activation.Before.Input, residual, behind) is { } norm
            ? new FeedForward(norm, activation.Before, activation.Activation, down, residual) : null;
    }

    private Attention? Attend(LinearMatch output, string residual, LayerNorm? behind)
    {
        if (_attentions.Find(output.Input) is not { } attention || NormOf(attention.Query.Input, residual, behind) is not { } norm)
            return null;
        var (query, key, value) = (graph.Skip(attention.Query.Input), graph.Skip(attention.Key.Input), graph.Skip(attention.Value.Input));
        if (key != value)
            return graph.Doubt<Attention>(residual, "keys and values of an attention are made of different things");
        return new Attention(norm, attention, output, key == query ? null : key, residual);
    }

    private LayerNorm? NormOf(string value, string residual, LayerNorm? behind)
    {
        if (behind is not null)
            return graph.Skip(value) == residual ? behind : graph.Doubt<LayerNorm>(value, "a layer is not applied to what it is added to");
        if (_norms.Find(value) is not { } norm)
            return graph.Doubt<LayerNorm>(value, "no norm stands in front of a layer");
        return graph.Skip(norm.Input) == residual ? norm.Norm
            : graph.Doubt<LayerNorm>(value, "the norm in front of a layer is not applied to what the layer is added to");
    }
}
