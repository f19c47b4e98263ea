using Google.Protobuf;

namespace VlWorker.ModelKit.Onnx;

/// <summary>Reads and writes ONNX files, with the data of their tensors inside or in a file beside them.</summary>
internal static class OnnxFile
{
    /// <summary>Ending of the file with a model's data, after the model's own name without ending.</summary>
    public const string DataExtension = ".onnx_data";

    /// <summary>Bytes of tensors that make a model's data go into a file of its own: a protobuf message ends at 2 GB.</summary>
    public const long LargestInline = 1_500_000_000;

    private const int CopyBuffer = 1 << 20;

    /// <summary>Reads a model.</summary>
    /// <param name="path">The file. Data in other files is read from its folder and below only.</param>
    /// <param name="externalData">Whether to read such data; false leaves references, which are checked but have no content.</param>
    /// <exception cref="InvalidDataException">The file is malformed, cut off or hostile; the message names it and says what is wrong.</exception>
    /// <exception cref="IOException">It can't be read.</exception>
    public static OnnxModel Load(string path, bool externalData = true)
    {
        try
        {
            var proto = Parse(ReadAll(path));
            ExternalData.Resolve(path, TensorWalk.All(proto), externalData);
            return new OnnxModel(proto);
        }
        catch (Exception error) when (error is InvalidDataException or InvalidProtocolBufferException)
        {
            throw new InvalidDataException($"{path}: {error.Message}", error);
        }
    }

    /// <summary>
    /// Writes a model. Where the file exists it is replaced, at no time by a part of the new one. Data goes into NAME.onnx_data beside NAME.onnx
    /// where it is much, or where that is asked for.
    /// </summary>
    /// <param name="model">The model; not changed.</param>
    /// <param name="path">The file.</param>
    /// <param name="externalData">Whether the data goes into a file of its own, however little it is.</param>
    /// <exception cref="InvalidOperationException">Constants inside nodes alone pass 2 GB, or data was not loaded.</exception>
    public static void Save(OnnxModel model, string path, bool externalData = false)
    {
        if (TensorWalk.All(model.Proto).Any(static tensor => tensor.DataLocation == TensorProto.Types.DataLocation.External))
            throw new InvalidOperationException("a model that was loaded without its external data can't be saved");
        path = Path.GetFullPath(path);
        var data = Path.ChangeExtension(path, DataExtension);
        var proto = model.Proto;
        var moved = false;
        try
        {
            if (externalData || DataLength(proto) > LargestInline)
            {
                proto = proto.Clone();
                using var stream = new FileStream(Partial(data), FileMode.Create, FileAccess.Write, FileShare.None, CopyBuffer);
                moved = ExternalDataWriter.Move(proto, stream, Path.GetFileName(data));
            }

            using (var stream = new FileStream(Partial(path), FileMode.Create, FileAccess.Write, FileShare.None, CopyBuffer))
                Write(proto, stream);

            // The old model goes first: it must not meet the new data.
            File.Delete(path);
            File.Delete(data);
            if (moved)
                File.Move(Partial(data), data);
            File.Move(Partial(path), path);
        }
        finally
        {
            File.Delete(Partial(data));
            File.Delete(Partial(path));
        }
    }

    /// <summary>The model as one message.</summary>
    /// <exception cref="InvalidOperationException">It would pass 2 GB.</exception>
    public static byte[] ToBytes(ModelProto proto)
    {
        CheckLength(proto);
        return proto.ToByteArray();
    }

    /// <summary>Parses a message and checks all its tensors.</summary>
    /// <exception cref="InvalidDataException">It is malformed.</exception>
    /// <exception cref="InvalidProtocolBufferException">It is malformed.</exception>
    private static ModelProto Parse(byte[] message)
    {
        MessageScan.Check(message, ModelProto.Descriptor);
        var proto = ModelProto.Parser.ParseFrom(message);
        if (proto.Graph is null)
            throw new InvalidDataException("it holds no graph: this is no ONNX file");
        foreach (var tensor in TensorWalk.All(proto))
            TensorField.Check(tensor);
        return proto;
    }

    private static byte[] ReadAll(string path)
    {
        var length = new FileInfo(path).Length;
        if (length > Array.MaxLength)
            throw new InvalidDataException($"it has {length} bytes; a model of more than 2 GB has its data in a file of its own");
        return length == 0 ? throw new InvalidDataException("it is empty") : File.ReadAllBytes(path);
    }

    private static void Write(ModelProto proto, FileStream stream)
    {
        CheckLength(proto);
        proto.WriteTo(stream);
    }

    /// <summary>Protobuf counts in 32 bits and does not notice when they are not enough.</summary>
    private static void CheckLength(ModelProto proto)
    {
        const long RoomForTheGraph = 100_000_000;
        if (DataLength(proto) > int.MaxValue - RoomForTheGraph)
            throw new InvalidOperationException("more than 2 GB do not fit into one message");
    }

    private static long DataLength(ModelProto proto) => TensorWalk.All(proto).Sum(TensorField.DataLength);

    private static string Partial(string path) => path + ".part";
}
