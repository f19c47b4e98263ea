using System.IO.Compression;
using VlWorker.ModelKit.Onnx;

namespace VlWorker.ModelKit.Checkpoints.Torch;

/// <summary>
/// An open pytorch_model.bin, as torch.save writes it since PyTorch 1.6: a zip archive that is not compressed, with a pickle that describes the
/// tensors and an entry for each storage. Nothing in it is run. Opening reads the pickle; tensors are read when asked for, from any thread.
/// </summary>
internal sealed class TorchFile : IWeightFile
{
    private const int LargestPickle = 16 << 20;

    private readonly string _path;
    private readonly ZipArchive _archive;
    private readonly string _prefix;
    private readonly Dictionary<string, PickledTensor> _tensors = new(StringComparer.Ordinal);
    private readonly Lock _lock = new();

    private TorchFile(string path, ZipArchive archive)
    {
        _path = path;
        _archive = archive;
        var pickles = archive.Entries.Where(static entry => entry.FullName.EndsWith("/data.pkl", StringComparison.Ordinal)).ToList();
        if (pickles.Count != 1)
            throw new InvalidDataException($"it has {pickles.Count} entries data.pkl: it is no PyTorch checkpoint");
        _prefix = pickles[0].FullName[..^"data.pkl".Length];
        if (archive.GetEntry(_prefix + "byteorder") is { } order && ReadEntry(order, 16) is var text && !text.AsSpan().SequenceEqual("little"u8))
            throw new InvalidDataException("its numbers are not little-endian");
        Add(PickleReader.Read(ReadEntry(pickles[0], LargestPickle)));
    }

    /// <inheritdoc/>
    public IReadOnlyList<CheckpointTensor> Tensors => [.. _tensors.Select(static tensor =>
        new CheckpointTensor(tensor.Key, tensor.Value.Storage.Type, tensor.Value.Dims, tensor.Value.Offset, Bytes(tensor.Value)))];

    /// <summary>Opens a file and reads what it says about its tensors.</summary>
    /// <exception cref="InvalidDataException">It is malformed, cut off, or names something else than tensors; the message names the file.</exception>
    /// <exception cref="IOException">It can't be read.</exception>
    public static TorchFile Open(string path)
    {
        var stream = File.OpenRead(path);
        try
        {
            return new TorchFile(path, new ZipArchive(stream, ZipArchiveMode.Read));
        }
        catch (Exception error)
        {
            stream.Dispose();
            if (error is InvalidDataException or ArgumentException or NotSupportedException or EndOfStreamException or OverflowException)
                throw new InvalidDataException($"{path}: {error.Message}", error);
            throw;
        }
    }

    /// <inheritdoc/>
    public float[] ReadFloats(CheckpointTensor tensor)
    {
        var pickled = _tensors[tensor.Name];
        var type = SafetensorsFile.FloatType(tensor.Type)
            ?? throw new InvalidDataException($"{_path}: tensor {tensor.Name} is {tensor.Type}; weights are read from F32, F16 and BF16");
        try
        {
            byte[] bytes;
            lock (_lock)
                bytes = ReadStorage(pickled.Storage);
            var storage = new float[pickled.Storage.Count];
            TensorConversion.ToFloats(bytes, type, storage);
            return Gather(storage, pickled);
        }
        catch (Exception error) when (error is InvalidDataException or EndOfStreamException)
        {
            throw new InvalidDataException($"{_path}: tensor {tensor.Name}: {error.Message}", error);
        }
    }

    public void Dispose() => _archive.Dispose();

    private static long Bytes(PickledTensor tensor) => ElementTypes.Count(tensor.Dims) * SafetensorsHeader.BitsOf(tensor.Storage.Type) / 8;

    private static byte[] ReadEntry(ZipArchiveEntry entry, long limit)
    {
        if (entry.Length > limit)
            throw new InvalidDataException($"its entry {TensorField.Printable(entry.FullName)} has {entry.Length} bytes, more than {limit}");
        if (entry.Length != entry.CompressedLength)
            throw new InvalidDataException($"its entry {TensorField.Printable(entry.FullName)} is compressed, as torch.save does not");
        using var stream = entry.Open();
        var bytes = new byte[entry.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }

    /// <summary>The elements in row-major order; the strides keep within the storage, which was checked.</summary>
    private static float[] Gather(float[] storage, PickledTensor tensor)
    {
        var count = ElementTypes.Count(tensor.Dims);
        if (count == storage.Length && tensor.Offset == 0 && IsRowMajor(tensor))
            return storage;
        var floats = new float[count];
        var index = new long[tensor.Dims.Length];
        for (var i = 0; i < floats.Length; i++)
        {
            var position = tensor.Offset;
            for (var axis = 0; axis < index.Length; axis++)
                position += index[axis] * tensor.Strides[axis];
            floats[i] = storage[position];
            for (var axis = index.Length - 1; axis >= 0 && ++index[axis] == tensor.Dims[axis]; axis--)
                index[axis] = 0;
        }

        return floats;
    }

    private static bool IsRowMajor(PickledTensor tensor)
    {
        long stride = 1;
        for (var axis = tensor.Dims.Length - 1; axis >= 0; axis--)
        {
            if (tensor.Dims[axis] != 1 && tensor.Strides[axis] != stride)
                return false;
            stride *= tensor.Dims[axis];
        }

        return true;
    }

    private byte[] ReadStorage(PickledStorage storage)
    {
        var length = (Int128)storage.Count * SafetensorsHeader.BitsOf(storage.Type) / 8;
        var entry = _archive.GetEntry($"{_prefix}data/{storage.Key}")
            ?? throw new InvalidDataException($"its storage {TensorField.Printable(storage.Key)} is missing");
        if (entry.Length != length || length > Array.MaxLength)
            throw new InvalidDataException($"its storage of {storage.Count} {storage.Type} has {entry.Length} bytes");
        return ReadEntry(entry, Array.MaxLength);
    }

    private void Add(object? pickled)
    {
        if (pickled is not PickledDict dict)
            throw new InvalidDataException("it holds no dictionary of tensors");
        foreach (var (key, value) in dict.Entries)
        {
            if (key is string name && value is PickledTensor tensor && !_tensors.TryAdd(name, tensor))
                throw new InvalidDataException($"tensor {TensorField.Printable(name)} is in it twice");
        }
    }
}
