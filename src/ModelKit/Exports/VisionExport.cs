using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Exports;

/// <summary>Image towers as exporters write them: ViT's and DINOv2's, which end in their norm, and CLIP's, which ends in the projected class token.</summary>
internal static class VisionExport
{
    /// <summary>Reads ViT's graph, or DINOv2's.</summary>
    /// <exception cref="InvalidDataException">The structure is not understood; the message names the node.</exception>
    public static VisionParameters ReadVit(ExportedGraph graph, VisionConfig config)
    {
        var output = graph.Output("last_hidden_state");
        var final = new NormReader(graph).Find(output) ?? throw graph.NotUnderstood(output, "the norm behind the last block");
        return Read(graph, config, final, null);
    }

    /// <summary>Reads CLIP's graph.</summary>
    /// <exception cref="InvalidDataException">The structure is not understood; the message names the node.</exception>
    public static VisionParameters ReadClip(ExportedGraph graph, VisionConfig config)
    {
        var output = graph.Output("image_embeds");
        var (projection, final) = PooledExport.Read(graph, output, config.HiddenSize, config.Projection!.Value);
        return Read(graph, config, final, PooledExport.WithoutBias(graph, output, projection));
    }

    private static VisionParameters Read(ExportedGraph graph, VisionConfig config, NormMatch final, Matrix? projection)
    {
        var linears = new LinearReader(graph);
        var found = new BlockReader(graph, linears, config.HeadSize).Walk(final.Input, out var rest);
        var layers = new LayerAssembly(graph, config.Layers, config.HiddenSize, config.HeadSize, config.Activation).Encoder(found, rest);
        var first = new NormReader(graph).Find(rest);
        var (patches, bias, classToken, positions) = new EmbeddingReader(graph).Images(first?.Input ?? rest, config);
        return new VisionParameters(
            config.ImageWidth, config.ImageHeight, config.PatchSize, config.HiddenSize, config.Activation,
            patches, bias, classToken, positions, first?.Norm, layers, final.Norm, projection);
    }
}
