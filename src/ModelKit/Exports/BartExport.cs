using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Exports;

/// <summary>BART's graphs: embeddings of tokens, the encoder over embeddings, the decoder's first step.</summary>
internal static class BartExport
{
    /// <summary>Reads all graphs.</summary>
    /// <exception cref="InvalidDataException">The structure is not understood; the message names the node.</exception>
    public static BartParameters Read(ExportedGraph embeddings, ExportedGraph encoder, ExportedGraph decoder, BartConfig config)
    {
        var tokens = ReadTokens(embeddings, config);
        var (layers, norm, positions) = ReadEncoder(encoder, config);
        var (steps, stepNorm, stepPositions, head) = ReadDecoder(decoder, config);
        // The table of the graph is scaled already.
        return new BartParameters(
            config.HiddenSize, config.Vocabulary, config.MaxPositions, config.Activation, 1,
            new BartEncoder(tokens, positions, norm, layers), new BartDecoder(tokens, stepPositions, stepNorm, steps),
            head.OtherThan(tokens) ?? tokens);
    }

    // A table, times what config.json calls scale_embedding.
    private static Matrix ReadTokens(ExportedGraph graph, BartConfig config)
    {
        var output = graph.Output("inputs_embeds");
        var (value, factor) = graph.Origin(output) is not { Op: "Mul" } scaled ? (output, 1)
            : graph.Constants.Scalar(scaled.Input(1)) is { } right ? (scaled.Input(0), right)
            : (scaled.Input(1), graph.Constants.Scalar(scaled.Input(0)) ?? throw graph.NotUnderstood(output, "the scale of the embeddings"));
        var table = Sized(graph, new EmbeddingReader(graph).Table(value), config.Vocabulary, config, output, "the embeddings of tokens").ToMatrix();
        return factor == 1 ? table : new Matrix(table.Rows, table.Columns, Array.ConvertAll(table.Values, item => item * factor));
    }

    private static (IReadOnlyList<EncoderLayer> Layers, LayerNorm Norm, Matrix Positions) ReadEncoder(ExportedGraph graph, BartConfig config)
    {
        var size = config.HiddenSize / config.EncoderHeads;
        var found = new BlockReader(graph, new LinearReader(graph), size, normsBehind: true).Walk(graph.Output("last_hidden_state"), out var rest);
        var layers = Assembly(graph, config.EncoderLayers, size, config).Encoder(found, rest);
        var (norm, positions) = Embedded(graph, rest, config);
        return (layers, norm, positions);
    }

    private static (IReadOnlyList<DecoderLayer> Layers, LayerNorm Norm, Matrix Positions, Matrix Head) ReadDecoder(ExportedGraph graph, BartConfig config)
    {
        var (linears, size) = (new LinearReader(graph), config.HiddenSize / config.DecoderHeads);
        var logits = graph.Output("logits");
        var head = linears.Find(logits) ?? throw graph.NotUnderstood(logits, "the head");
        var linear = head.Read();
        if (linear.Inputs != config.HiddenSize || linear.Outputs != config.Vocabulary || linear.Bias?.Any(static value => value != 0) is true)
            throw graph.NotUnderstood(logits, $"a head from {config.HiddenSize} to {config.Vocabulary} (config.json) without bias");
        var found = new BlockReader(graph, linears, size, normsBehind: true).Walk(head.Input, out var rest);
        var layers = Assembly(graph, config.DecoderLayers, size, config).Decoder(found, rest, out _);
        var (norm, positions) = Embedded(graph, rest, config);
        return (layers, norm, positions, linear.Weight.Transpose());
    }

    private static LayerAssembly Assembly(ExportedGraph graph, int layers, int size, BartConfig config) =>
        new(graph, layers, config.HiddenSize, size, config.Activation) { NormsBehind = true };

    // norm(embeddings + positions), the table of positions with the rows in front that BART's has.
    private static (LayerNorm Norm, Matrix Positions) Embedded(ExportedGraph graph, string value, BartConfig config)
    {
        var norm = new NormReader(graph).Find(value) ?? throw graph.NotUnderstood(value, "the norm behind the embeddings");
        if (graph.Origin(norm.Input) is not { Op: "Add" } add)
            throw graph.NotUnderstood(norm.Input, "the sum of embeddings and positions");
        var reader = new EmbeddingReader(graph);
        var table = Sized(
            graph, reader.Table(add.Input(0)) ?? reader.Table(add.Input(1)), BartConfig.PositionOffset + config.MaxPositions, config, norm.Input, "positions");
        return (norm.Norm, new Matrix(config.MaxPositions, config.HiddenSize, table.Read()[(BartConfig.PositionOffset * config.HiddenSize)..]));
    }

    private static Folded Sized(ExportedGraph graph, Folded? table, int rows, BartConfig config, string value, string what) =>
        table is not null && table.Columns == config.HiddenSize && table.Count == (long)rows * config.HiddenSize
            ? table : throw graph.NotUnderstood(value, $"{what}, {rows} x {config.HiddenSize} (config.json),");
}
