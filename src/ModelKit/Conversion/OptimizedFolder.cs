using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Onnx;

namespace VlWorker.ModelKit.Conversion;

/// <summary>Writes a folder that an engine of its layout runs.</summary>
internal static class OptimizedFolder
{
    private static readonly string[] Beside =
    [
        ModelFolder.ConfigFile, ModelFolder.GenerationConfigFile, PreprocessorConfig.FileName, PreprocessorConfig.ProcessorFileName, "tokenizer.json",
        "tokenizer_config.json", "special_tokens_map.json", ModelFolder.ChatTemplateFile, ModelFolder.ChatTemplateJsonFile,
    ];

    /// <summary>Copies what lies beside the graphs, writes the graphs, and the manifest last: a folder without it is not finished.</summary>
    /// <param name="source">The folder that the model comes from.</param>
    /// <param name="target">The folder to write; made if it is not there.</param>
    /// <param name="manifest">The manifest; its graphs are those written.</param>
    /// <param name="graphs">The graphs by name; each is asked for when the one before is on disk.</param>
    /// <returns>The manifest with its graphs.</returns>
    public static ModelManifest Write(string source, string target, ModelManifest manifest, IEnumerable<(string Name, OnnxModel Model)> graphs)
    {
        Directory.CreateDirectory(Path.Combine(target, "onnx"));
        foreach (var name in Beside.Where(name => File.Exists(Path.Combine(source, name))))
            File.WriteAllBytes(Path.Combine(target, name), File.ReadAllBytes(Path.Combine(source, name))); // not its permissions
        var files = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, model) in graphs)
        {
            files.Add(name, $"onnx/{name}.onnx");
            OnnxFile.Save(model, Path.Combine(target, "onnx", name + ".onnx"));
        }

        manifest = manifest with { Graphs = files };
        manifest.Write(target);
        return manifest;
    }
}
