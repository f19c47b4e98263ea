using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Pruning;

/// <summary>
/// Takes whole attention heads and feed-forward neurons out of a model, so that its matrices really shrink. Magnitude of a head: the length
/// (L2) of its columns in query, key and value and of its rows in the output together; of a neuron: of its column in Up and its row in Down.
/// </summary>
internal sealed class StructuredPruning(StructuredPruningOptions options)
{
    /// <summary>Prunes a model.</summary>
    /// <exception cref="NotSupportedException">The family is not known here.</exception>
    public FamilyParameters Run(FamilyParameters parameters) => parameters switch
    {
        VisionEncoderDecoderParameters captioner => captioner with
        {
            Encoder = captioner.Encoder with { Layers = Encoder(captioner.Encoder.Layers) },
            Decoder = captioner.Decoder with { Layers = Decoder(captioner.Decoder.Layers) },
        },
        ClipParameters clip => clip with
        {
            Vision = clip.Vision with { Layers = Encoder(clip.Vision.Layers) },
            Text = clip.Text with { Layers = Encoder(clip.Text.Layers) },
        },
        SiglipParameters siglip => siglip with
        {
            Vision = siglip.Vision with { Layers = Encoder(siglip.Vision.Layers) },
            Text = siglip.Text with { Layers = Encoder(siglip.Text.Layers) },
        },
        Dinov2Parameters dinov2 => new Dinov2Parameters(dinov2.Vision with { Layers = Encoder(dinov2.Vision.Layers) }),
        _ => throw new NotSupportedException($"a {parameters.Family} can't be pruned"),
    };

    private List<EncoderLayer> Encoder(IReadOnlyList<EncoderLayer> layers)
    {
        var heads = Ranking.Keep([.. layers.Select(layer => Heads(layer.Heads, layer.HeadSize, layer.Query, layer.Key, layer.Value, layer.Output))],
            options.Heads, options.Global);
        var neurons = Ranking.Keep([.. layers.Select(layer => Neurons(layer.Up, layer.Down))], options.Neurons, options.Global);
        return [.. layers.Select((layer, i) => layer with
        {
            Query = Selection.Columns(layer.Query, heads[i], layer.HeadSize),
            Key = Selection.Columns(layer.Key, heads[i], layer.HeadSize),
            Value = Selection.Columns(layer.Value, heads[i], layer.HeadSize),
            Output = Selection.Rows(layer.Output, heads[i], layer.HeadSize),
            Up = Selection.Columns(layer.Up, neurons[i], 1),
            Down = Selection.Rows(layer.Down, neurons[i], 1),
            Heads = heads[i].Count,
        })];
    }

    private List<DecoderLayer> Decoder(IReadOnlyList<DecoderLayer> layers)
    {
        var heads = Ranking.Keep([.. layers.Select(layer => Heads(layer.Heads, layer.HeadSize, layer.Query, layer.Key, layer.Value, layer.Output))],
            options.Heads, options.Global);
        var cross = Ranking.Keep(
            [
                .. layers.Select(layer =>
                    Heads(layer.CrossHeads, layer.HeadSize, layer.CrossQuery, layer.CrossKey, layer.CrossValue, layer.CrossOutput)),
            ],
            options.Heads,
            options.Global);
        var neurons = Ranking.Keep([.. layers.Select(layer => Neurons(layer.Up, layer.Down))], options.Neurons, options.Global);
        return [.. layers.Select((layer, i) => layer with
        {
            Query = Selection.Columns(layer.Query, heads[i], layer.HeadSize),
            Key = Selection.Columns(layer.Key, heads[i], layer.HeadSize),
            Value = Selection.Columns(layer.Value, heads[i], layer.HeadSize),
            Output = Selection.Rows(layer.Output, heads[i], layer.HeadSize),
            CrossQuery = Selection.Columns(layer.CrossQuery, cross[i], layer.HeadSize),
            CrossKey = Selection.Columns(layer.CrossKey, cross[i], layer.HeadSize),
            CrossValue = Selection.Columns(layer.CrossValue, cross[i], layer.HeadSize),
            CrossOutput = Selection.Rows(layer.CrossOutput, cross[i], layer.HeadSize),
            Up = Selection.Columns(layer.Up, neurons[i], 1),
            Down = Selection.Rows(layer.Down, neurons[i], 1),
            Heads = heads[i].Count,
            CrossHeads = cross[i].Count,
        })];
    }

    private static double[] Heads(int count, int size, Linear query, Linear key, Linear value, Linear output)
    {
        var sums = new double[count];
        foreach (var linear in new[] { query, key, value })
            Selection.AddColumnSquares(linear.Weight, size, sums);
        Selection.AddRowSquares(output.Weight, size, sums);
        return Array.ConvertAll(sums, Math.Sqrt);
    }

    private static double[] Neurons(Linear up, Linear down)
    {
        var sums = new double[up.Outputs];
        Selection.AddColumnSquares(up.Weight, 1, sums);
        Selection.AddRowSquares(down.Weight, 1, sums);
        return Array.ConvertAll(sums, Math.Sqrt);
    }
}
