using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Exports;

/// <summary>CLIP's two graphs.</summary>
internal static class ClipExport
{
    /// <summary>Reads both graphs.</summary>
    /// <exception cref="InvalidDataException">The structure is not understood; the message names the node.</exception>
    public static ClipParameters Read(ExportedGraph vision, ExportedGraph text, JsonFile config) =>
        new(VisionExport.ReadClip(vision, VisionConfig.ReadClip(config)), ReadText(text, TextConfig.ReadClip(config)));

    private static TextParameters ReadText(ExportedGraph graph, TextConfig config)
    {
        var (projection, final) = PooledExport.Read(graph, graph.Output("text_embeds"), config.HiddenSize, config.Projection);
        var found = new BlockReader(graph, new LinearReader(graph), config.HeadSize).Walk(final.Input, out var rest);
        var layers = new LayerAssembly(graph, config.Layers, config.HiddenSize, config.HeadSize, config.Activation).Encoder(found, rest);
        var (tokens, positions) = new EmbeddingReader(graph).Texts(rest, config);
        return new TextParameters(
            config.HiddenSize, config.Vocabulary, config.MaxPositions, config.Activation, tokens, positions, layers, final.Norm, projection);
    }
}
