using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Exports;

/// <summary>An exported model folder, read by the structure of its graphs into the family's parameters.</summary>
internal static class ExportedModel
{
    /// <summary>Reads all parameters.</summary>
    /// <param name="folder">The folder, with the graphs of one precision.</param>
    /// <exception cref="InvalidDataException">A graph is malformed or not understood; the message names file and node.</exception>
    /// <exception cref="NotSupportedException">config.json asks for something that is not implemented.</exception>
    public static FamilyParameters Read(ModelFolder folder)
    {
        // One of the sets is there in full; its graphs are opened by their places in it.
        var names = folder.Family.GraphSets.First(set => set.All(folder.Graphs.ContainsKey));
        ExportedGraph Open(int graph, params string[] moves) =>
            new(OnnxFile.Load(folder.Graphs[names[graph]]), Path.GetFileName(folder.Graphs[names[graph]]), false, moves);
        return folder.Family.Name switch
        {
            "vision-encoder-decoder" => VisionEncoderDecoderExport.Read(Open(0), Open(1), folder.Config),
            "clip" => ClipExport.Read(Open(0), Open(1), folder.Config),
            "siglip" => SiglipExport.Read(Open(0), Open(1), folder.Config),
            "dinov2" => new Dinov2Parameters(VisionExport.ReadVit(Open(0), VisionConfig.ReadDinov2(folder.Config))),
            "florence2" => Florence2Export.Read(
                Open(0, DavitExport.Moves), Open(1), Open(2), Open(3), folder.Config, PreprocessorConfig.Load(folder.Path).Resize),
            "blip" => BlipExport.Read(Open(0), Open(1), folder.Config),
            "idefics3" or "smolvlm" => Idefics3Export.Read(Open(0), Open(1), Open(2), folder.Family, folder.Config),
            var type => throw new NotSupportedException($"exported graphs of {type} are not rebuilt: convert a checkpoint"),
        };
    }
}
