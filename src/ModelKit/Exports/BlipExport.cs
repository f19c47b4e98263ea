using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Exports;

/// <summary>A BLIP captioner's graphs: the image encoder, and BERT in its first step.</summary>
internal static class BlipExport
{
    /// <summary>Reads both graphs.</summary>
    /// <exception cref="InvalidDataException">The structure is not understood; the message names the node.</exception>
    public static BlipParameters Read(ExportedGraph vision, ExportedGraph decoder, JsonFile config) =>
        new(VisionExport.ReadVit(vision, VisionConfig.ReadBlip(config)), ReadDecoder(decoder, BlipConfig.Read(config).Text));

    private static BertParameters ReadDecoder(ExportedGraph graph, TextConfig config)
    {
        var (linears, norms) = (new LinearReader(graph), new NormReader(graph));
        var head = HeadExport.Find(graph, linears, config.HiddenSize, config.Vocabulary);
        var norm = norms.Find(head.Input) ?? throw graph.NotUnderstood(head.Input, "the norm in front of the head");
        var transform = new ActivationReader(graph, linears).Find(norm.Input);
        if (transform is null || transform.Activation != config.Activation)
            throw graph.NotUnderstood(norm.Input, $"a layer with the activation {config.Activation} (config.json)");
        var found = new BlockReader(graph, linears, config.HeadSize, normsBehind: true).Walk(transform.Before.Input, out var rest);
        var assembly = new LayerAssembly(graph, config.Layers, config.HiddenSize, config.HeadSize, config.Activation) { NormsBehind = true };
        var layers = assembly.Decoder(found, rest, out _);
        var embedded = norms.Find(rest) ?? throw graph.NotUnderstood(rest, "the norm behind the embeddings");
        var (tokens, positions) = new EmbeddingReader(graph).Texts(embedded.Input, config);
        var linear = head.Read();
        return new BertParameters(
            config.HiddenSize, config.Vocabulary, config.MaxPositions, config.Activation, tokens, positions, embedded.Norm, layers,
            transform.Before.Read(), norm.Norm, linear.Weight.Transpose().OtherThan(tokens) ?? tokens,
            linear.Bias ?? new float[config.Vocabulary]);
    }
}
