using System.Text;
using VlWorker.ModelKit.Checkpoints;
using VlWorker.ModelKit.Onnx;
using VlWorker.Worker.Tests.Fixtures;

namespace VlWorker.Fuzzing;

/// <summary>A reader and the files to damage.</summary>
/// <param name="Name">The reader.</param>
/// <param name="Path">Where it finds an input; files that an input refers to lie beside it.</param>
/// <param name="Originals">Files that it reads without complaint.</param>
/// <param name="ExternalBytes">Bytes of the files beside the input.</param>
/// <param name="Read">Reads a file to its last byte.</param>
internal sealed record FuzzTarget(string Name, string Path, IReadOnlyList<byte[]> Originals, long ExternalBytes, Action<string> Read)
{
    /// <summary>All readers.</summary>
    /// <param name="folder">An empty folder for their files.</param>
    public static IReadOnlyList<FuzzTarget> All(string folder) => [Onnx(folder), Safetensors(folder), Index(folder), Torch(folder)];

    /// <summary>ONNX: a small model with all there is in it, and an exported one whose weights lie beside it.</summary>
    public static FuzzTarget Onnx(string folder)
    {
        folder = Directory.CreateDirectory(System.IO.Path.Combine(folder, "onnx")).FullName;
        var originals = new List<byte[]> { OnnxSample.Create().ToBytes() };
        var exported = System.IO.Path.Combine(FixtureArchive.Extract("vit-gpt2-tiny"), "onnx", "encoder_model.onnx");
        foreach (var (name, model) in new[] { ("sample.onnx", OnnxSample.Create()), ("exported.onnx", OnnxFile.Load(exported)) })
        {
            var path = System.IO.Path.Combine(folder, name);
            OnnxFile.Save(model, path, externalData: true);
            originals.Add(File.ReadAllBytes(path));
        }

        var external = Directory.EnumerateFiles(folder, "*.onnx_data").Sum(static path => new FileInfo(path).Length);
        return new FuzzTarget("onnx", System.IO.Path.Combine(folder, "input.onnx"), originals, external, ReadOnnx);
    }

    /// <summary>safetensors: a file as transformers writes it, and a header alone.</summary>
    public static FuzzTarget Safetensors(string folder)
    {
        var path = System.IO.Path.Combine(Directory.CreateDirectory(System.IO.Path.Combine(folder, "safetensors")).FullName, Checkpoint.SingleFile);
        var file = File.ReadAllBytes(System.IO.Path.Combine(FixtureArchive.Extract("clip-tiny"), "golden", "golden.safetensors"));
        return new FuzzTarget("safetensors", path, [file, TwoTensors], 0, _ => ReadCheckpoint(System.IO.Path.GetDirectoryName(path)!));
    }

    /// <summary>The index of a checkpoint in shards.</summary>
    public static FuzzTarget Index(string folder)
    {
        var path = System.IO.Path.Combine(Directory.CreateDirectory(System.IO.Path.Combine(folder, "index")).FullName, Checkpoint.IndexFile);
        var shard = System.IO.Path.Combine(System.IO.Path.GetDirectoryName(path)!, "m-1.safetensors");
        File.WriteAllBytes(shard, TwoTensors);
        var index = Encoding.UTF8.GetBytes("""{"metadata": {"total_size": 20}, "weight_map": {"a": "m-1.safetensors", "b": "m-1.safetensors"}}""");
        return new FuzzTarget("index", path, [index], TwoTensors.Length, _ => ReadIndexed(path));
    }

    /// <summary>PyTorch's own format: the archive, where its pickle is most of it.</summary>
    public static FuzzTarget Torch(string folder)
    {
        var path = System.IO.Path.Combine(Directory.CreateDirectory(System.IO.Path.Combine(folder, "torch")).FullName, Checkpoint.TorchFileName);
        var file = TorchWriter.Write(
            new TorchTensor("a", "FloatStorage", "0", new byte[24], 6, 0, [3, 2], [1, 3]),
            new TorchTensor("b", "HalfStorage", "1", new byte[4], 2, 1, [1], [1]),
            new TorchTensor("c", "LongStorage", "2", new byte[8], 1, 0, [], []));
        return new FuzzTarget("torch", path, [file], 0, _ => ReadCheckpoint(System.IO.Path.GetDirectoryName(path)!));
    }

    private static byte[] TwoTensors
    {
        get
        {
            var header = """{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},"b":{"dtype":"BF16","shape":[2],"data_offsets":[16,20]}}""";
            return [.. BitConverter.GetBytes((long)header.Length), .. Encoding.ASCII.GetBytes(header), .. new byte[20]];
        }
    }

    /// <summary>What was read can be written, and is the same when it is read again.</summary>
    private static void ReadOnnx(string path)
    {
        var model = OnnxFile.Load(path);
        foreach (var tensor in TensorWalk.All(model.Proto).Where(static tensor => tensor.DataType != (int)ElementType.String))
            TensorField.Read(tensor);
        var bytes = model.ToBytes();
        File.WriteAllBytes(path, bytes);
        if (!OnnxFile.Load(path).ToBytes().AsSpan().SequenceEqual(bytes))
            throw new InvalidOperationException("read and written twice, the model is another one");
    }

    private static void ReadCheckpoint(string folder)
    {
        using var checkpoint = Checkpoint.Open(folder);
        foreach (var tensor in checkpoint.Tensors.Where(static tensor => tensor.Type is "F32" or "F16" or "BF16"))
            checkpoint.ReadFloats(tensor.Name);
    }

    /// <summary>A shard that is missing is named first in its message; whatever is wrong with the index begins with the index.</summary>
    private static void ReadIndexed(string path)
    {
        var folder = System.IO.Path.GetDirectoryName(path)!;
        try
        {
            ReadCheckpoint(folder);
        }
        catch (InvalidDataException error) when (error.Message.StartsWith(folder + System.IO.Path.DirectorySeparatorChar, StringComparison.Ordinal))
        {
            throw new InvalidDataException($"{path}: {error.Message}", error);
        }
    }
}
