using System.Diagnostics.CodeAnalysis;
using VlWorker.ModelKit.Checkpoints.Torch;

namespace VlWorker.ModelKit.Checkpoints;

/// <summary>
/// The weights of a Hugging Face checkpoint, in one file or in several with an index: safetensors, or else PyTorch's own. Opening reads headers
/// only; the tensors are read when asked for, from any thread.
/// </summary>
internal sealed class Checkpoint : IDisposable
{
    /// <summary>The file of a checkpoint in one piece.</summary>
    public const string SingleFile = "model.safetensors";

    /// <summary>The index of a checkpoint in several.</summary>
    public const string IndexFile = "model.safetensors.index.json";

    /// <summary>The file of a checkpoint that only PyTorch's own format has.</summary>
    public const string TorchFileName = "pytorch_model.bin";

    /// <summary>The index of such a checkpoint in several files.</summary>
    public const string TorchIndexFile = "pytorch_model.bin.index.json";

    private readonly List<IWeightFile> _files = [];
    private readonly Dictionary<string, (CheckpointTensor Tensor, IWeightFile File)> _tensors = new(StringComparer.Ordinal);

    private Checkpoint(IReadOnlyList<string> paths) => Paths = paths;

    /// <summary>The files that it is made of, full paths; the index, if there is one, last.</summary>
    public IReadOnlyList<string> Paths { get; }

    /// <summary>Names of all tensors, as in transformers.</summary>
    public IReadOnlyCollection<string> Names => _tensors.Keys;

    /// <summary>All tensors.</summary>
    public IEnumerable<CheckpointTensor> Tensors => _tensors.Values.Select(static entry => entry.Tensor);

    /// <summary>
    /// Opens the checkpoint in a folder: model.safetensors, or what its index names; or else pytorch_model.bin, or what its index names.
    /// </summary>
    /// <exception cref="FileNotFoundException">The folder has none of them.</exception>
    /// <exception cref="InvalidDataException">A file is malformed, or a shard or a tensor that the index names is missing.</exception>
    public static Checkpoint Open(string folder)
    {
        folder = Path.GetFullPath(folder);
        foreach (var (single, index) in new[] { (SingleFile, IndexFile), (TorchFileName, TorchIndexFile) })
        {
            if (File.Exists(Path.Combine(folder, single)))
                return OpenSingle(Path.Combine(folder, single));
            if (File.Exists(Path.Combine(folder, index)))
                return OpenSharded(folder, Path.Combine(folder, index));
        }

        throw new FileNotFoundException($"{folder} has neither {SingleFile} nor {IndexFile}, nor {TorchFileName}");
    }

    /// <summary>Whether there is a tensor of that name.</summary>
    public bool Has(string name) => _tensors.ContainsKey(name);

    /// <summary>Looks for a tensor.</summary>
    public bool TryFind(string name, [NotNullWhen(true)] out CheckpointTensor? tensor)
    {
        tensor = _tensors.TryGetValue(name, out var entry) ? entry.Tensor : null;
        return tensor is not null;
    }

    /// <summary>What is known about a tensor.</summary>
    /// <exception cref="InvalidDataException">There is no tensor of that name.</exception>
    public CheckpointTensor Find(string name) => Entry(name).Tensor;

    /// <summary>Reads a tensor of F32, F16 or BF16, in row-major order.</summary>
    /// <exception cref="InvalidDataException">There is no tensor of that name, it is of another type, or its file was cut.</exception>
    public float[] ReadFloats(string name)
    {
        var (tensor, file) = Entry(name);
        return file.ReadFloats(tensor);
    }

    public void Dispose() => _files.ForEach(static file => file.Dispose());

    private static Checkpoint OpenSingle(string path)
    {
        var checkpoint = new Checkpoint([path]);
        foreach (var tensor in checkpoint.Add(path).Tensors)
            checkpoint._tensors.Add(tensor.Name, (tensor, checkpoint._files[0]));
        return checkpoint;
    }

    private static Checkpoint OpenSharded(string folder, string index)
    {
        var map = ShardIndex.Read(index);
        var shards = map.GroupBy(static entry => entry.Value, static entry => entry.Key, StringComparer.Ordinal)
            .OrderBy(static shard => shard.Key, StringComparer.Ordinal).ToList();
        var checkpoint = new Checkpoint([.. shards.Select(shard => Path.Combine(folder, shard.Key)), index]);
        try
        {
            foreach (var shard in shards)
                checkpoint.AddShard(Path.Combine(folder, shard.Key), shard);
            return checkpoint;
        }
        catch
        {
            checkpoint.Dispose();
            throw;
        }
    }

    private void AddShard(string path, IEnumerable<string> names)
    {
        if (!File.Exists(path))
            throw new InvalidDataException($"{path}: {Path.GetFileName(Paths[^1])} names it, but it is missing");
        var file = Add(path);
        var tensors = file.Tensors.ToDictionary(static tensor => tensor.Name, StringComparer.Ordinal);
        foreach (var name in names)
        {
            if (!tensors.TryGetValue(name, out var tensor))
                throw new InvalidDataException($"{path}: {Path.GetFileName(Paths[^1])} says that tensor {name} is in it, but it is not");
            _tensors.Add(name, (tensor, file));
        }
    }

    private IWeightFile Add(string path)
    {
        IWeightFile file = path.EndsWith(".bin", StringComparison.Ordinal) ? TorchFile.Open(path) : SafetensorsFile.Open(path);
        _files.Add(file);
        return file;
    }

    private (CheckpointTensor Tensor, IWeightFile File) Entry(string name) => _tensors.TryGetValue(name, out var entry)
        ? entry
        : throw new InvalidDataException($"{Path.GetDirectoryName(Paths[0])}: the checkpoint has no tensor {name}");
}
