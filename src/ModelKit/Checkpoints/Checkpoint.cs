using System.Diagnostics.CodeAnalysis;

namespace VlWorker.ModelKit.Checkpoints;

/// <summary>
/// The weights of a Hugging Face checkpoint, in one safetensors file or in several with an index. Opening reads headers only; the tensors
/// are read when asked for, from any thread.
/// </summary>
internal sealed class Checkpoint : IDisposable
{
    /// <summary>Ending of the files.</summary>
    public const string Extension = ".safetensors";

    /// <summary>The file of a checkpoint in one piece.</summary>
    public const string SingleFile = "model.safetensors";

    /// <summary>The index of a checkpoint in several.</summary>
    public const string IndexFile = "model.safetensors.index.json";

    private readonly List<SafetensorsFile> _files = [];
    private readonly Dictionary<string, (CheckpointTensor Tensor, SafetensorsFile File)> _tensors = new(StringComparer.Ordinal);

    private Checkpoint(IReadOnlyList<string> paths) => Paths = paths;

    /// <summary>The files that it is made of, full paths; the index, if there is one, last.</summary>
    public IReadOnlyList<string> Paths { get; }

    /// <summary>Names of all tensors, as in transformers.</summary>
    public IReadOnlyCollection<string> Names => _tensors.Keys;

    /// <summary>All tensors.</summary>
    public IEnumerable<CheckpointTensor> Tensors => _tensors.Values.Select(static entry => entry.Tensor);

    /// <summary>Opens the checkpoint in a folder: model.safetensors, or else what model.safetensors.index.json names.</summary>
    /// <exception cref="FileNotFoundException">The folder has neither.</exception>
    /// <exception cref="InvalidDataException">A file is malformed, or a shard or a tensor that the index names is missing.</exception>
    public static Checkpoint Open(string folder)
    {
        folder = Path.GetFullPath(folder);
        if (Path.Combine(folder, SingleFile) is var single && File.Exists(single))
            return OpenSingle(single);
        if (Path.Combine(folder, IndexFile) is var index && File.Exists(index))
            return OpenSharded(folder, index);
        throw new FileNotFoundException(Directory.Exists(folder) && Directory.EnumerateFiles(folder, "pytorch_model*.bin").Any()
            ? $"{folder} has no {SingleFile}, only pytorch_model.bin, which can run code when it is read: take a revision with safetensors"
            : $"{folder} has neither {SingleFile} nor {IndexFile}");
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
            throw new InvalidDataException($"{path}: {IndexFile} names it, but it is missing");
        var file = Add(path);
        var tensors = file.Tensors.ToDictionary(static tensor => tensor.Name, StringComparer.Ordinal);
        foreach (var name in names)
        {
            if (!tensors.TryGetValue(name, out var tensor))
                throw new InvalidDataException($"{path}: {IndexFile} says that tensor {name} is in it, but it is not");
            _tensors.Add(name, (tensor, file));
        }
    }

    private SafetensorsFile Add(string path)
    {
        var file = SafetensorsFile.Open(path);
        _files.Add(file);
        return file;
    }

    private (CheckpointTensor Tensor, SafetensorsFile File) Entry(string name) => _tensors.TryGetValue(name, out var entry)
        ? entry
        : throw new InvalidDataException($"{Path.GetDirectoryName(Paths[0])}: the checkpoint has no tensor {name}");
}
