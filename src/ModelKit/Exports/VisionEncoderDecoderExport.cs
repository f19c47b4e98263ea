using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Exports;

/// <summary>A captioner's graphs: ViT's encoder, and GPT-2's decoder in its first step.</summary>
internal static class VisionEncoderDecoderExport
{
    /// <summary>Reads both graphs.</summary>
    /// <exception cref="InvalidDataException">The structure is not understood; the message names the node.</exception>
    public static VisionEncoderDecoderParameters Read(ExportedGraph encoder, ExportedGraph decoder, JsonFile config)
    {
        var vision = VisionConfig.ReadVit(config);
        var text = TextConfig.ReadGpt2(config);
        var (parameters, projection) = ReadDecoder(decoder, text, vision.HiddenSize);
        return new VisionEncoderDecoderParameters(VisionExport.ReadVit(encoder, vision), parameters, projection);
    }

    private static (DecoderParameters Decoder, Linear? Projection) ReadDecoder(ExportedGraph graph, TextConfig config, int encoderWidth)
    {
        var linears = new LinearReader(graph);
        var head = HeadExport.Find(graph, linears, config.HiddenSize, config.Vocabulary);
        var final = new NormReader(graph).Find(HeadExport.AllPositions(graph, head.Input))
            ?? throw graph.NotUnderstood(head.Input, "the norm behind the last block");
        var found = new BlockReader(graph, linears, config.HeadSize).Walk(final.Input, out var rest);
        var layers = new LayerAssembly(graph, config.Layers, config.HiddenSize, config.HeadSize, config.Activation).Decoder(found, rest, out var source);
        var (tokens, positions) = new EmbeddingReader(graph).Texts(rest, config);
        var decoder = new DecoderParameters(
            config.HiddenSize, config.Vocabulary, config.MaxPositions, config.Activation, tokens, positions, layers, final.Norm,
            HeadExport.Untied(graph, head, tokens));
        return (decoder, Projection(graph, linears, source, encoderWidth, config.HiddenSize));
    }

    private static Linear? Projection(ExportedGraph graph, LinearReader linears, string source, int encoderWidth, int width)
    {
        if (linears.Find(source) is { } projection)
        {
            return projection.Inputs == encoderWidth && projection.Outputs == width
                ? projection.Read()
                : throw graph.NotUnderstood(source, $"a projection of the encoder's states from {encoderWidth} to {width} (config.json)");
        }

        return graph.Producer(source) is null && encoderWidth == width ? null : throw graph.NotUnderstood(source, "the encoder's states");
    }
}
