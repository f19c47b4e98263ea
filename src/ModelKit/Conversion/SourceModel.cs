using VlWorker.ModelKit.Checkpoints;
using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Exports;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Conversion;

/// <summary>A model to convert: a checkpoint of transformers, or a folder of exported graphs. Opening reads no weights.</summary>
internal sealed class SourceModel
{
    private readonly Func<FamilyParameters> _read;
    private readonly Lazy<string> _sha256;

    private SourceModel(string kind, string path, ModelFamily family, JsonFile config, IReadOnlyList<string> files, Func<FamilyParameters> read)
    {
        (Kind, Path, Family, Config, Files, _read) = (kind, path, family, config, files, read);
        _sha256 = new Lazy<string>(() => FilesHash.Compute(path, files));
    }

    /// <summary>checkpoint or export, as in a manifest.</summary>
    public string Kind { get; }

    /// <summary>The folder's full path.</summary>
    public string Path { get; }

    /// <summary>The family.</summary>
    public ModelFamily Family { get; }

    /// <summary>config.json.</summary>
    public JsonFile Config { get; }

    /// <summary>The files that the result depends on, relative to the folder, sorted by name.</summary>
    public IReadOnlyList<string> Files { get; }

    /// <summary>SHA-256 over them.</summary>
    public string Sha256 => _sha256.Value;

    /// <summary>Opens a checkpoint: config.json, the preprocessor's and the tokenizer's files, and safetensors.</summary>
    /// <exception cref="ModelFolderException">Files are missing or unreadable, or the family is unknown; all errors at once.</exception>
    public static SourceModel OpenCheckpoint(string folder)
    {
        folder = System.IO.Path.GetFullPath(folder);
        var errors = new List<string>();
        var config = JsonFile.Read(folder, ModelFolder.ConfigFile, errors);
        if (config is null)
            throw new ModelFolderException(folder, errors.Count > 0 ? errors : [$"{ModelFolder.ConfigFile} is missing"]);
        var family = ModelFolder.FindFamily(config, errors) ?? throw new ModelFolderException(folder, errors);
        errors.AddRange(family.RequiredIn(folder).Where(name => !File.Exists(System.IO.Path.Combine(folder, name))).Select(static name => $"{name} is missing"));
        var weights = Weights(folder, errors);
        if (errors.Count > 0)
            throw new ModelFolderException(folder, errors);
        return new SourceModel(
            "checkpoint", folder, family, config, [.. family.FilesIn(folder).Concat(weights).Order(StringComparer.Ordinal)],
            () => CheckpointModel.Read(folder, family, config));
    }

    /// <summary>Opens a folder of exported graphs.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="precision">Which graphs.</param>
    /// <exception cref="ModelFolderException">Files are missing or unreadable, or the folder is optimised already; all errors at once.</exception>
    public static SourceModel OpenExport(string folder, ModelPrecision precision) => OpenExport(ModelFolder.Open(folder, precision));

    /// <summary>Takes an open folder of exported graphs.</summary>
    /// <exception cref="ModelFolderException">It is optimised already.</exception>
    public static SourceModel OpenExport(ModelFolder folder) => folder.Manifest is not null
        ? throw new ModelFolderException(folder.Path, [$"it is optimised already: it has a {ModelManifest.FileName}"])
        : new SourceModel(
            "export", folder.Path, folder.Family, folder.Config, [.. folder.Files.Select(static file => file.Name)], () => ExportedModel.Read(folder));

    /// <summary>What is done to the weights after they are read, a sentence each, for the manifest.</summary>
    public IReadOnlyList<string> Changes { get; private init; } = [];

    /// <summary>The same model with other weights.</summary>
    /// <param name="done">What is done to them, a sentence.</param>
    /// <param name="change">Does it.</param>
    public SourceModel Change(string done, Func<FamilyParameters, FamilyParameters> change) =>
        new(Kind, Path, Family, Config, Files, () => change(_read())) { Changes = [.. Changes, done] };

    /// <summary>Reads the weights.</summary>
    /// <exception cref="InvalidDataException">A file is malformed or not understood.</exception>
    /// <exception cref="NotSupportedException">The model asks for something that is not implemented.</exception>
    public FamilyParameters ReadParameters() => _read();

    private static IReadOnlyList<string> Weights(string folder, List<string> errors)
    {
        try
        {
            using var checkpoint = Checkpoint.Open(folder);
            return [.. checkpoint.Paths.Select(path => System.IO.Path.GetRelativePath(folder, path).Replace('\\', '/'))];
        }
        catch (Exception error) when (error is IOException or InvalidDataException)
        {
            errors.Add(error.Message);
            return [];
        }
    }
}
