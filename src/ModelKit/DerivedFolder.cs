using VlWorker.ModelKit.Onnx;

namespace VlWorker.ModelKit;

/// <summary>
/// Writes graphs that were made from a folder's: beside them, told apart by their suffix, or into a folder of their own with copies of the
/// configuration and the tokenizer. Files appear under their names only when all have been written.
/// </summary>
internal sealed class DerivedFolder : IDisposable
{
    private readonly ModelFolder _source;
    private readonly string _target;
    private readonly string _staging;
    private readonly ModelPrecision _precision;
    private readonly bool _replace;

    private DerivedFolder(ModelFolder source, string target, string staging, ModelPrecision precision, bool replace) =>
        (_source, _target, _staging, _precision, _replace) = (source, target, staging, precision, replace);

    /// <summary>Prepares the target.</summary>
    /// <param name="source">Where the graphs come from.</param>
    /// <param name="target">The folder to write to; null or the source's own writes beside the originals.</param>
    /// <param name="precision">Gives the suffix.</param>
    /// <param name="replace">Whether files that are there may be replaced.</param>
    /// <exception cref="ModelFolderException">Files are there already, or the originals would be overwritten.</exception>
    public static DerivedFolder Create(ModelFolder source, string? target, ModelPrecision precision, bool replace)
    {
        var folder = Path.GetFullPath(target ?? source.Path);
        var taken = source.Graphs.Keys.Select(name => Path.Combine(folder, Below(source), GraphChoice.FileName("", name, precision))).Where(File.Exists).ToList();
        if (taken.Count > 0 && SamePath(folder, source.Path) && precision == source.Precision)
            throw new ModelFolderException(folder, ["the result would overwrite the original: name another folder"]);
        if (taken.Count > 0 && !replace)
            throw new ModelFolderException(folder, [.. taken.Select(path => $"{Path.GetRelativePath(folder, path)} is there already")]);
        Directory.CreateDirectory(folder);
        var staging = Directory.CreateDirectory(Path.Combine(folder, $".partial-{Guid.NewGuid():n}")).FullName;
        return new DerivedFolder(source, folder, staging, precision, replace);
    }

    /// <summary>Full path of the target.</summary>
    public string Target => _target;

    /// <summary>Writes a graph; it can be loaded from there before the whole is finished.</summary>
    /// <param name="name">Its name in <see cref="ModelFamily.Graphs"/>.</param>
    /// <param name="model">The graph.</param>
    /// <returns>Where it lies for the time being.</returns>
    public string Write(string name, OnnxModel model)
    {
        var path = Path.Combine(_staging, GraphChoice.FileName("", name, _precision));
        OnnxFile.Save(model, path);
        return path;
    }

    /// <summary>Puts everything in its place.</summary>
    /// <returns>The bytes of the graphs and their data.</returns>
    public long Finish()
    {
        var graphs = Directory.CreateDirectory(Path.Combine(_target, Below(_source))).FullName;
        if (!SamePath(_target, _source.Path))
            CopyConfiguration();
        var bytes = 0L;
        // Data first: a graph that is there has all it needs.
        foreach (var file in Directory.GetFiles(_staging).OrderBy(file => file.EndsWith(".onnx", StringComparison.Ordinal)))
        {
            bytes += new FileInfo(file).Length;
            File.Move(file, Path.Combine(graphs, Path.GetFileName(file)), _replace);
        }

        return bytes;
    }

    /// <summary>Removes what was not finished.</summary>
    public void Dispose() => Directory.Delete(_staging, recursive: true);

    private void CopyConfiguration()
    {
        var names = _source.Family.RequiredFiles.Concat(_source.Family.OptionalFiles).Where(name => File.Exists(Path.Combine(_source.Path, name)));
        foreach (var name in names)
            File.Copy(Path.Combine(_source.Path, name), Path.Combine(_target, name), overwrite: true);
    }

    private static string Below(ModelFolder source) => Path.GetRelativePath(source.Path, Path.GetDirectoryName(source.Graphs.Values.First())!);

    private static bool SamePath(string a, string b) =>
        string.Equals(Path.TrimEndingDirectorySeparator(a), Path.TrimEndingDirectorySeparator(b), StringComparison.Ordinal);
}
