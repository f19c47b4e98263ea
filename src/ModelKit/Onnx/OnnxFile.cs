using Google.Protobuf;

namespace VlWorker.ModelKit.Onnx;

/// <summary>Reads and writes ONNX files.</summary>
internal static class OnnxFile
{
    /// <summary>Bytes that a protobuf message has at most.</summary>
    public const long LargestMessage = int.MaxValue;

    /// <summary>Reads a model with all its data.</summary>
    /// <exception cref="InvalidDataException">The file is malformed.</exception>
    public static OnnxModel Load(string path)
    {
        var proto = ModelProto.Parser.ParseFrom(File.ReadAllBytes(path));
        if (proto.Graph is null)
            throw new InvalidDataException($"{path} holds no graph");
        return new OnnxModel(proto);
    }

    /// <summary>Writes a model.</summary>
    public static void Save(OnnxModel model, string path) => File.WriteAllBytes(path, model.ToBytes());

    /// <summary>An upper estimate of the message's length: its tensors' data and the rest.</summary>
    internal static long InlineLength(ModelProto proto) =>
        proto.Graph.Initializer.Sum(static tensor => (long)tensor.RawData.Length);
}
