using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Pruning;

/// <summary>
/// Takes whole attention heads and feed-forward neurons out of a model, so that its matrices really shrink. Magnitude of a head: the length
/// (L2) of its columns in query, key and value and of its rows in the output together; of a neuron: of its column in Up and its row in Down.
/// Heads of queries that share one of keys and values go together with it. DaViT's attention keeps its heads: they tile the channels.
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
        BlipParameters blip => blip with
        {
            Vision = blip.Vision with { Layers = Encoder(blip.Vision.Layers) },
            Text = blip.Text with { Layers = Decoder(blip.Text.Layers) },
        },
        BlipVqaParameters vqa => vqa with
        {
            Vision = vqa.Vision with { Layers = Encoder(vqa.Vision.Layers) },
            Question = vqa.Question with { Layers = Decoder(vqa.Question.Layers) },
            Answer = vqa.Answer with { Layers = Decoder(vqa.Answer.Layers) },
        },
        Florence2Parameters florence => florence with { Vision = Davit(florence.Vision), Text = Bart(florence.Text) },
        Idefics3Parameters chat => chat with
        {
            Vision = chat.Vision with { Layers = Encoder(chat.Vision.Layers) },
            Text = chat.Text with { Layers = Llama(chat.Text.Layers) },
        },
        _ => throw new NotSupportedException($"a {parameters.Family} can't be pruned"),
    };

    private List<EncoderLayer> Encoder(IReadOnlyList<EncoderLayer> layers)
    {
        var heads = Ranking.Keep([.. layers.Select(layer => Heads(layer.Heads, layer.HeadSize, layer.Query, layer.Key, layer.Value, layer.Output))],
            options.Heads, options.Global);
        var neurons = Ranking.Keep([.. layers.Select(layer => Neurons(layer.Down, layer.Up))], options.Neurons, options.Global);
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
        var neurons = Ranking.Keep([.. layers.Select(layer => Neurons(layer.Down, layer.Up))], options.Neurons, options.Global);
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

    private BartParameters Bart(BartParameters text) => text with
    {
        Encoder = text.Encoder with { Layers = Encoder(text.Encoder.Layers) },
        Decoder = text.Decoder with { Layers = Decoder(text.Decoder.Layers) },
    };

    private DavitParameters Davit(DavitParameters vision)
    {
        var blocks = vision.Stages.SelectMany(static stage => stage.Blocks).SelectMany(static pair => new[] { pair.Spatial, pair.Channel });
        var left = new Queue<IReadOnlyList<int>>(Ranking.Keep([.. blocks.Select(static block => Neurons(block.Down, block.Up))], options.Neurons, options.Global));
        return vision with
        {
            Stages = [.. vision.Stages.Select(stage => stage with
            {
                Blocks = [.. stage.Blocks.Select(pair => new DavitPair(Keep(pair.Spatial, left.Dequeue()), Keep(pair.Channel, left.Dequeue())))],
            })],
        };

        static DavitBlock Keep(DavitBlock block, IReadOnlyList<int> neurons) => block with
        {
            Up = Selection.Columns(block.Up, neurons, 1),
            Down = Selection.Rows(block.Down, neurons, 1),
        };
    }

    private List<LlamaLayer> Llama(IReadOnlyList<LlamaLayer> layers)
    {
        var heads = Ranking.Keep(
            [.. layers.Select(layer => Heads(layer.KeyHeads, layer.HeadSize, layer.Query, layer.Key, layer.Value, layer.Output, layer.Heads / layer.KeyHeads))],
            options.Heads,
            options.Global);
        var neurons = Ranking.Keep([.. layers.Select(layer => Neurons(layer.Down, layer.Gate, layer.Up))], options.Neurons, options.Global);
        return [.. layers.Select((layer, i) =>
        {
            var served = layer.Heads / layer.KeyHeads;
            return layer with
            {
                Query = Selection.Columns(layer.Query, heads[i], served * layer.HeadSize),
                Key = Selection.Columns(layer.Key, heads[i], layer.HeadSize),
                Value = Selection.Columns(layer.Value, heads[i], layer.HeadSize),
                Output = Selection.Rows(layer.Output, heads[i], served * layer.HeadSize),
                Gate = Selection.Columns(layer.Gate, neurons[i], 1),
                Up = Selection.Columns(layer.Up, neurons[i], 1),
                Down = Selection.Rows(layer.Down, neurons[i], 1),
                Heads = heads[i].Count * served,
                KeyHeads = heads[i].Count,
            };
        })];
    }

    // A head of keys and values, with all those of queries that it serves.
    private static double[] Heads(int count, int size, Linear query, Linear key, Linear value, Linear output, int served = 1)
    {
        var sums = new double[count];
        Selection.AddColumnSquares(query.Weight, served * size, sums);
        Selection.AddColumnSquares(key.Weight, size, sums);
        Selection.AddColumnSquares(value.Weight, size, sums);
        Selection.AddRowSquares(output.Weight, served * size, sums);
        return Array.ConvertAll(sums, Math.Sqrt);
    }

    private static double[] Neurons(Linear down, params ReadOnlySpan<Linear> ups)
    {
        var sums = new double[down.Inputs];
        foreach (var up in ups)
            Selection.AddColumnSquares(up.Weight, 1, sums);
        Selection.AddRowSquares(down.Weight, 1, sums);
        return Array.ConvertAll(sums, Math.Sqrt);
    }
}
