using VlWorker.Contracts;
using VlWorker.Inference;
using VlWorker.ModelKit;

namespace VlWorker.Hosting;

/// <summary>A model's files as a device runs them.</summary>
internal sealed class ModelCopy(DeviceSpec device, ModelOptions options, ModelFolder folder, string revision)
{
    private IReadOnlyList<(long Bytes, DateTime Written)> _seen = Look(folder);

    /// <summary>The device.</summary>
    public DeviceSpec Device { get; } = device;

    /// <summary>The entry of the settings.</summary>
    public ModelOptions Options { get; } = options;

    /// <summary>The files.</summary>
    public ModelFolder Folder { get; } = folder;

    /// <summary>The SHA-256 over them at the start.</summary>
    public string Revision { get; } = revision;

    /// <summary>Size of all its graphs and what lies beside them.</summary>
    public long GraphBytes { get; } = folder.Files.Where(file => file.Name.StartsWith("onnx", StringComparison.Ordinal)).Sum(file => file.Bytes);

    /// <summary>Loads it.</summary>
    /// <exception cref="ModelFolderException">It can't be.</exception>
    public IModel Load(ModelReference reference) => ModelLoader.Load(reference, Folder, Options, Device);

    /// <summary>Loads it again, after it has been unloaded.</summary>
    /// <exception cref="ModelFolderException">It can't be loaded any more, or its files are others than at the start: results would name a wrong revision.</exception>
    public IModel Reload(ModelReference reference)
    {
        try
        {
            var now = Look(Folder);
            if (!now.SequenceEqual(_seen) && Folder.ComputeRevision() != Revision)
                throw new ModelFolderException(Folder.Path, ["its files are others than at the start of the worker: restart it to use them"]);
            _seen = now;
            return Load(reference);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new ModelFolderException(Folder.Path, [error.Message]);
        }
    }

    private static IReadOnlyList<(long Bytes, DateTime Written)> Look(ModelFolder folder) =>
    [
        .. folder.Files.Select(file => new FileInfo(Path.Combine(folder.Path, file.Name))).Select(static file => (file.Length, file.LastWriteTimeUtc)),
    ];
}
