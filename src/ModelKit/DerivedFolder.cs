using VlWorker.ModelKit.Onnx;

namespace VlWorker.ModelKit;

/// <summary>
/// Writes graphs that were made from a folder's: beside them, told apart by their suffix, or into a folder of their own with copies of the
/// configuration and the tokenizer. Those of an optimised folder keep their names and get a folder of their own, with a manifest. Files
/// appear under their names only when all have been written.
/// </summary>
internal sealed class DerivedFolder : IDisposable
{
    private readonly ModelFolder _source;
    private readonly ModelPrecision _precision;
    private readonly string _staging;
    private readonly bool _replace;

    private DerivedFolder(ModelFolder source, string target, string staging, ModelPrecision precision, bool replace) =>
        (_source, Target, _staging, _precision, _replace) = (source, target, staging, precision, replace);

    /// <summary>Full path of the target.</summary>
    public string Target { get; }

    /// <summary>Prepares the target.</summary>
    /// <param name="source">Where the graphs come from.</param>
    /// <param name="target">The folder to write to; null or the source's own writes beside the originals.</param>
    /// <param name="precision">Gives the suffix.</param>
    /// <param name="replace">Whether files that are there may be replaced.</param>
    /// <exception cref="ModelFolderException">Files are there already, or the originals would be overwritten.</exception>
    public static DerivedFolder Create(ModelFolder source, string? target, ModelPrecision precision, bool replace)
    {
        var folder = Path.GetFullPath(target ?? source.Path);
        if (SamePath(folder, source.Path) && (precision == source.Precision || source.Manifest is not null))
            throw new ModelFolderException(folder, ["the result would overwrite the original: name another folder"]);
        var taken = source.Graphs.Select(graph => Path.Combine(folder, Below(source), FileName(source, graph.Key, graph.Value, precision)))
            .Where(File.Exists).ToList();
        if (taken.Count > 0 && !replace)
            throw new ModelFolderException(folder, [.. taken.Select(path => $"{Path.GetRelativePath(folder, path)} is there already")]);
        if (source.Manifest is null && File.Exists(Path.Combine(folder, ModelManifest.FileName)))
            throw new ModelFolderException(folder, [$"it holds an optimised model: its {ModelManifest.FileName} would be wrong"]);
        Directory.CreateDirectory(folder);
        var staging = Directory.CreateDirectory(Path.Combine(folder, $".partial-{Guid.NewGuid():n}")).FullName;
        return new DerivedFolder(source, folder, staging, precision, replace);
    }

    /// <summary>Writes a graph; it can be loaded from there before the whole is finished.</summary>
    /// <param name="name">Its name in <see cref="ModelFolder.Graphs"/>.</param>
    /// <param name="model">The graph.</param>
    /// <returns>Where it lies for the time being.</returns>
    public string Write(string name, OnnxModel model)
    {
        var path = Path.Combine(_staging, FileName(_source, name, _source.Graphs[name], _precision));
        OnnxFile.Save(model, path);
        return path;
    }

    /// <summary>Puts everything in its place.</summary>
    /// <param name="done">What was done to the graphs, a sentence for the manifest.</param>
    public void Finish(string done)
    {
        var graphs = Directory.CreateDirectory(Path.Combine(Target, Below(_source))).FullName;
        if (!SamePath(Target, _source.Path))
            CopyConfiguration();
        // Data first: a graph that is there has all it needs.
        foreach (var file in Directory.GetFiles(_staging).OrderBy(file => file.EndsWith(".onnx", StringComparison.Ordinal)))
            File.Move(file, Path.Combine(graphs, Path.GetFileName(file)), _replace);
        if (_source.Manifest is { } manifest)
            (manifest with { Precision = PrecisionName(_precision), Done = [.. manifest.Done, done] }).Write(Target);
    }

    /// <summary>Removes what was not finished.</summary>
    public void Dispose()
    {
        Directory.Delete(_staging, recursive: true);
        if (!Directory.EnumerateFileSystemEntries(Target).Any())
            Directory.Delete(Target);
    }

    private void CopyConfiguration()
    {
        foreach (var name in _source.Family.FilesIn(_source.Path))
            File.WriteAllBytes(Path.Combine(Target, name), File.ReadAllBytes(Path.Combine(_source.Path, name))); // not its permissions
    }

    private static string FileName(ModelFolder source, string name, string path, ModelPrecision precision) =>
        source.Manifest is null ? GraphChoice.FileName("", name, precision) : Path.GetFileName(path);

    private static string PrecisionName(ModelPrecision precision) =>
        precision == ModelPrecision.Quantized ? "int8" : precision.ToString().ToLowerInvariant();

    private static string Below(ModelFolder source) => Path.GetRelativePath(source.Path, Path.GetDirectoryName(source.Graphs.Values.First())!);

    private static bool SamePath(string a, string b) =>
        string.Equals(Path.TrimEndingDirectorySeparator(a), Path.TrimEndingDirectorySeparator(b), StringComparison.Ordinal);
}
