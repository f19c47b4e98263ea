using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Exports;

/// <summary>CLIP's two graphs.</summary>
internal static class ClipExport
{
    /// <summary>Reads both graphs.</summary>
    /// <exception cref="InvalidDataException">The structure is not understood; the message names the node.</exception>
    public static ClipParameters Read(ExportedGraph vision, ExportedGraph text, JsonFile config)
    {
        const string Output = "text_embeds";
        var images = VisionExport.ReadClip(vision, VisionConfig.ReadClip(config));
        var (texts, projection) = PooledExport.ReadText(text, Output, TextConfig.ReadClip(config));
        return new ClipParameters(images, texts with { Projection = PooledExport.WithoutBias(text, text.Output(Output), projection) });
    }
}
