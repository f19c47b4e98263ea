using System.IO.Compression;
using System.Text;

namespace VlWorker.Fuzzing;

/// <summary>A tensor for <see cref="TorchWriter"/>: a view of a storage's bytes.</summary>
/// <param name="Name">The parameter's name.</param>
/// <param name="Storage">The class of its storage, such as FloatStorage.</param>
/// <param name="Key">The storage's key; tensors may share one.</param>
/// <param name="Bytes">The storage's bytes.</param>
/// <param name="Count">Elements of the storage.</param>
/// <param name="Offset">The tensor's first element.</param>
/// <param name="Dims">Its shape.</param>
/// <param name="Strides">Its strides.</param>
internal sealed record TorchTensor(string Name, string Storage, string Key, byte[] Bytes, int Count, int Offset, int[] Dims, int[] Strides);

/// <summary>Writes pytorch_model.bin with the operations that torch.save writes for a state dict: a zip archive with data.pkl and storages.</summary>
internal static class TorchWriter
{
    /// <summary>A checkpoint.</summary>
    public static byte[] Write(params TorchTensor[] tensors) => Archive(Pickle(tensors), tensors);

    /// <summary>An archive with any pickle.</summary>
    public static byte[] Archive(byte[] pickle, params TorchTensor[] tensors)
    {
        using var stream = new MemoryStream();
        using (var archive = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            Add(archive, "archive/data.pkl", pickle);
            Add(archive, "archive/byteorder", "little"u8.ToArray());
            foreach (var tensor in tensors.DistinctBy(static tensor => tensor.Key))
                Add(archive, $"archive/data/{tensor.Key}", tensor.Bytes);
            Add(archive, "archive/version", "3\n"u8.ToArray());
        }

        return stream.ToArray();
    }

    /// <summary>OrderedDict(), filled with tensors, then its attribute _metadata.</summary>
    public static byte[] Pickle(params TorchTensor[] tensors)
    {
        var pickle = new List<byte> { 0x80, 2 };
        OrderedDict(pickle);
        pickle.AddRange("q\0("u8);
        foreach (var tensor in tensors)
            Tensor(pickle, tensor);
        pickle.AddRange("u}"u8);
        Text(pickle, "_metadata");
        OrderedDict(pickle);
        pickle.AddRange("sb."u8);
        return [.. pickle];
    }

    private static void Tensor(List<byte> pickle, TorchTensor tensor)
    {
        Text(pickle, tensor.Name);
        pickle.AddRange("ctorch._utils\n_rebuild_tensor_v2\n(("u8);
        Text(pickle, "storage");
        pickle.AddRange(Encoding.ASCII.GetBytes($"ctorch\n{tensor.Storage}\n"));
        Text(pickle, tensor.Key);
        Text(pickle, "cpu");
        Number(pickle, tensor.Count);
        pickle.AddRange("tQ"u8);
        Number(pickle, tensor.Offset);
        Tuple(pickle, tensor.Dims);
        Tuple(pickle, tensor.Strides);
        pickle.Add(0x89);
        OrderedDict(pickle);
        pickle.AddRange("tR"u8);
    }

    private static void OrderedDict(List<byte> pickle) => pickle.AddRange("ccollections\nOrderedDict\n)R"u8);

    private static void Tuple(List<byte> pickle, int[] numbers)
    {
        pickle.Add((byte)'(');
        foreach (var number in numbers)
            Number(pickle, number);
        pickle.Add((byte)'t');
    }

    /// <summary>The shortest form, as Python takes it.</summary>
    private static void Number(List<byte> pickle, int number)
    {
        pickle.AddRange(number switch
        {
            >= 0 and < 256 => [(byte)'K', (byte)number],
            >= 0 and < 65536 => [(byte)'M', .. BitConverter.GetBytes((ushort)number)],
            _ => [(byte)'J', .. BitConverter.GetBytes(number)],
        });
    }

    private static void Text(List<byte> pickle, string text)
    {
        pickle.Add((byte)'X');
        pickle.AddRange(BitConverter.GetBytes(Encoding.UTF8.GetByteCount(text)));
        pickle.AddRange(Encoding.UTF8.GetBytes(text));
    }

    private static void Add(ZipArchive archive, string name, byte[] content)
    {
        using var entry = archive.CreateEntry(name, CompressionLevel.NoCompression).Open();
        entry.Write(content);
    }
}
