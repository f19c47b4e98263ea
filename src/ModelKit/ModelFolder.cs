using System.Text.Json;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.ModelKit;

/// <summary>
/// A model as the Hub ships it: config.json, generation_config.json, preprocessor_config.json, tokenizer.json and onnx/*.onnx,
/// where a suffix of the file name tells the precision. Reading it loads no weights.
/// </summary>
public sealed class ModelFolder
{
    /// <summary>The file that every model has.</summary>
    public const string ConfigFile = "config.json";

    /// <summary>The defaults of generation.</summary>
    public const string GenerationConfigFile = "generation_config.json";

    /// <summary>How a chat becomes a prompt.</summary>
    public const string ChatTemplateFile = "chat_template.jinja";

    /// <summary>The same in the older form.</summary>
    public const string ChatTemplateJsonFile = "chat_template.json";

    private ModelFolder(
        string path, JsonFile config, JsonFile? generationConfig, ModelManifest? manifest, GraphChoice graphs, IReadOnlyList<ModelFile> files)
    {
        Manifest = manifest;
        Path = path;
        Config = config;
        GenerationConfig = generationConfig;
        Family = graphs.Family;
        Precision = graphs.Precision;
        Available = graphs.Available;
        Graphs = graphs.Files;
        Files = files;
    }

    /// <summary>The folder's full path.</summary>
    public string Path { get; }

    /// <summary>config.json.</summary>
    public JsonFile Config { get; }

    /// <summary>generation_config.json; old models have none.</summary>
    public JsonFile? GenerationConfig { get; }

    /// <summary>The manifest of an optimised folder; null for one as it was exported.</summary>
    public ModelManifest? Manifest { get; }

    /// <summary>The family, by config.json's <c>model_type</c> and, where several have it, <c>architectures</c>.</summary>
    public ModelFamily Family { get; }

    /// <summary>The precision of the graphs in use, never <see cref="ModelPrecision.Auto"/>.</summary>
    public ModelPrecision Precision { get; }

    /// <summary>The precisions that are there in full.</summary>
    public IReadOnlyList<ModelPrecision> Available { get; }

    /// <summary>
    /// Full paths of the graphs in use by their names without suffix, as in <see cref="ModelFamily.Graphs"/>, or as in the manifest.
    /// </summary>
    public IReadOnlyDictionary<string, string> Graphs { get; }

    /// <summary>All files in use, sorted by name.</summary>
    public IReadOnlyList<ModelFile> Files { get; }

    /// <summary>Opens a folder and looks for everything its family needs.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="precision">Which of the graphs to use.</param>
    /// <exception cref="ModelFolderException">Files are missing or unreadable, or the family is unknown; all errors at once.</exception>
    public static ModelFolder Open(string path, ModelPrecision precision = ModelPrecision.Auto)
    {
        path = System.IO.Path.GetFullPath(path);
        if (!Directory.Exists(path))
            throw new ModelFolderException(path, ["the folder does not exist"]);
        var errors = new List<string>();
        var config = JsonFile.Read(path, ConfigFile, errors);
        if (config is null)
            throw new ModelFolderException(path, errors.Count > 0 ? errors : [$"{ConfigFile} is missing"]);
        var family = FindFamily(config, errors) ?? throw new ModelFolderException(path, errors);
        var generation = JsonFile.Read(path, GenerationConfigFile, errors);
        foreach (var name in family.RequiredIn(path).Where(name => !File.Exists(System.IO.Path.Combine(path, name))))
            errors.Add($"{name} is missing");
        var manifest = ModelManifest.Read(path, errors);
        // A manifest that can't be used has said why; its graphs are none of an export.
        var graphs = manifest is not null ? GraphChoice.Of(path, family, manifest, precision, errors)
            : File.Exists(System.IO.Path.Combine(path, ModelManifest.FileName)) ? null : GraphChoice.Make(path, family, precision, errors);
        if (graphs is null || errors.Count > 0)
            throw new ModelFolderException(path, errors);
        return new ModelFolder(path, config, generation, manifest, graphs, UsedFiles(path, family, graphs, manifest is not null));
    }

    /// <summary>
    /// SHA-256 over the files in use: for each, in the order of its name (ordinal), the name's length (32 bits, big endian) and UTF-8 bytes,
    /// then the content's length (64 bits) and bytes. So it changes with weights, precision, tokenizer and defaults, and with nothing else.
    /// </summary>
    /// <returns>64 lower-case hexadecimal digits.</returns>
    public string ComputeRevision() => FilesHash.Compute(Path, Files.Select(static file => file.Name));

    /// <summary>What the folder holds, for a person.</summary>
    public ModelSummary Inspect() => new(Path, Family.Name, Precision, Available, ComputeRevision(), Files);

    /// <summary>The family that config.json names; adds to <paramref name="errors"/> if there is none.</summary>
    internal static ModelFamily? FindFamily(JsonFile config, List<string> errors)
    {
        var type = config.Root.TryGetProperty("model_type", out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
        var families = ModelFamily.All.Where(family => family.ModelType == type).ToList();
        var kinds = config.Strings("architectures");
        var family = families.Find(family => family.Architecture is { } kind && kinds.Contains(kind)) ?? families.Find(static family => family.Architecture is null);
        if (family is null)
        {
            var known = string.Join(", ", ModelFamily.All.Select(static family => family.ModelType).Distinct());
            errors.Add(type is null ? $"{ConfigFile} names no model_type" : $"model_type {type} in {ConfigFile} is none of {known}");
        }

        return family;
    }

    private static List<ModelFile> UsedFiles(string path, ModelFamily family, GraphChoice graphs, bool optimised)
    {
        string[] manifest = optimised ? [ModelManifest.FileName] : [];
        var names = family.FilesIn(path).Concat(manifest)
            .Concat(graphs.Files.Values.Concat(graphs.Files.Values.SelectMany(GraphChoice.ExternalData))
                .Select(file => System.IO.Path.GetRelativePath(path, file).Replace('\\', '/')));
        return [.. names.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)
            .Select(name => new ModelFile(name, new FileInfo(System.IO.Path.Combine(path, name)).Length))];
    }
}
