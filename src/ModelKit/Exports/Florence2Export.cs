using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Exports;

/// <summary>Florence-2's graphs: image tower, embeddings, encoder, decoder.</summary>
internal static class Florence2Export
{
    /// <summary>Reads all graphs.</summary>
    /// <exception cref="InvalidDataException">The structure is not understood; the message names the node.</exception>
    /// <exception cref="NotSupportedException">config.json asks for something that is not implemented.</exception>
    public static Florence2Parameters Read(
        ExportedGraph vision, ExportedGraph embeddings, ExportedGraph encoder, ExportedGraph decoder, JsonFile config, ResizePlan images)
    {
        var (tower, text) = Florence2Config.Read(config, images);
        return new Florence2Parameters(DavitExport.Read(vision, tower), BartExport.Read(embeddings, encoder, decoder, text));
    }
}
