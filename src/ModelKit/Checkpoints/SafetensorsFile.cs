using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;
using VlWorker.ModelKit.Onnx;

namespace VlWorker.ModelKit.Checkpoints;

/// <summary>An open safetensors file. Opening reads its header only; tensors are read when asked for, from any thread.</summary>
internal sealed class SafetensorsFile : IWeightFile
{
    /// <summary>Elements that are converted at once, so that a tensor is never in memory twice.</summary>
    private const int ChunkElements = 1 << 18;

    private readonly SafeFileHandle _file;
    private readonly string _path;

    private SafetensorsFile(string path, SafeFileHandle file, List<CheckpointTensor> tensors)
    {
        _path = path;
        _file = file;
        Tensors = tensors;
    }

    /// <inheritdoc/>
    public IReadOnlyList<CheckpointTensor> Tensors { get; }

    /// <summary>Opens a file and checks its header.</summary>
    /// <exception cref="InvalidDataException">It is malformed or cut off; the message names the file.</exception>
    /// <exception cref="IOException">It can't be read.</exception>
    public static SafetensorsFile Open(string path)
    {
        var file = File.OpenHandle(path, options: FileOptions.RandomAccess);
        try
        {
            return new SafetensorsFile(path, file, ReadHeader(file));
        }
        catch (Exception error)
        {
            file.Dispose();
            if (error is InvalidDataException)
                throw new InvalidDataException($"{path}: {error.Message}", error);
            throw;
        }
    }

    /// <summary>The types of weights.</summary>
    /// <returns>Null for other types.</returns>
    public static ElementType? FloatType(string type) => type switch
    {
        "F32" => ElementType.Float,
        "F16" => ElementType.Float16,
        "BF16" => ElementType.BFloat16,
        _ => null,
    };

    /// <inheritdoc/>
    public float[] ReadFloats(CheckpointTensor tensor)
    {
        var type = FloatType(tensor.Type)
            ?? throw new InvalidDataException($"{_path}: tensor {tensor.Name} is {tensor.Type}; weights are read from F32, F16 and BF16");
        if (tensor.Count > Array.MaxLength)
            throw new InvalidDataException($"{_path}: tensor {tensor.Name} has {tensor.Count} elements, more than {Array.MaxLength}");
        var floats = GC.AllocateUninitializedArray<float>((int)tensor.Count);
        var size = type.Bits() / 8;
        var chunk = new byte[Math.Min(tensor.Length, (long)ChunkElements * size)];
        for (var done = 0; done < floats.Length;)
        {
            var part = Math.Min(ChunkElements, floats.Length - done);
            ReadExactly(tensor, (long)done * size, chunk.AsSpan(0, part * size));
            TensorConversion.ToFloats(chunk.AsSpan(0, part * size), type, floats.AsSpan(done, part));
            done += part;
        }

        return floats;
    }

    public void Dispose() => _file.Dispose();

    private static List<CheckpointTensor> ReadHeader(SafeFileHandle file)
    {
        var fileLength = RandomAccess.GetLength(file);
        Span<byte> length = stackalloc byte[SafetensorsHeader.LengthBytes];
        if (Read(file, 0, length) < length.Length)
            throw new InvalidDataException($"it has {fileLength} bytes: it is no safetensors file");
        var json = new byte[SafetensorsHeader.CheckLength(BinaryPrimitives.ReadUInt64LittleEndian(length), fileLength)];
        if (Read(file, length.Length, json) < json.Length)
            throw new InvalidDataException("it ends within its header");
        return SafetensorsHeader.Parse(json, fileLength);
    }

    private void ReadExactly(CheckpointTensor tensor, long offset, Span<byte> bytes)
    {
        if (Read(_file, tensor.Offset + offset, bytes) < bytes.Length)
            throw new InvalidDataException($"{_path}: the file ends within tensor {tensor.Name}: it was cut off after it was opened");
    }

    private static int Read(SafeFileHandle file, long offset, Span<byte> bytes)
    {
        var read = 0;
        for (int part; read < bytes.Length && (part = RandomAccess.Read(file, bytes[read..], offset + read)) > 0;)
            read += part;
        return read;
    }
}
