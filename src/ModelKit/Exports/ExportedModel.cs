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
        ExportedGraph Open(string name, params string[] moves) =>
            new(OnnxFile.Load(folder.Graphs[name]), Path.GetFileName(folder.Graphs[name]), false, moves);
        if (folder.Family == ModelFamily.Dinov2 || folder.Family == ModelFamily.Siglip)
            throw new NotSupportedException($"exported graphs of {folder.Family.ModelType} are not rebuilt: convert a checkpoint");
        if (folder.Family == ModelFamily.Clip)
            return ClipExport.Read(Open(ModelFamily.Graphs.Vision), Open(ModelFamily.Graphs.Text), folder.Config);
        if (folder.Family == ModelFamily.Idefics3 || folder.Family == ModelFamily.SmolVlm)
        {
            return Idefics3Export.Read(
                Open(ModelFamily.Graphs.VisionEncoder), Open(ModelFamily.Graphs.EmbedTokens), Open(ModelFamily.Graphs.DecoderMerged), folder.Family, folder.Config);
        }

        var decoder = folder.Graphs.ContainsKey(ModelFamily.Graphs.DecoderMerged) ? ModelFamily.Graphs.DecoderMerged : ModelFamily.Graphs.Decoder;
        if (folder.Family == ModelFamily.Florence2)
        {
            return Florence2Export.Read(
                Open(ModelFamily.Graphs.VisionEncoder, DavitExport.Moves), Open(ModelFamily.Graphs.EmbedTokens), Open(ModelFamily.Graphs.Encoder),
                Open(decoder), folder.Config, PreprocessorConfig.Load(folder.Path).Resize);
        }

        if (folder.Family == ModelFamily.Blip)
        {
            var names = folder.Family.GraphSets.First(set => set.All(folder.Graphs.ContainsKey));
            return BlipExport.Read(Open(names[0]), Open(names[1]), folder.Config);
        }

        return VisionEncoderDecoderExport.Read(Open(ModelFamily.Graphs.Encoder), Open(decoder), folder.Config);
    }
}
