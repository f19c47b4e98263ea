using System.Globalization;
using Google.Protobuf;

namespace VlWorker.ModelKit.Onnx;

/// <summary>Writes the data of initializers into a file beside the model.</summary>
internal static class ExternalDataWriter
{
    /// <summary>What ONNX Runtime can map into memory begins at a multiple of this.</summary>
    public const int Alignment = 4096;

    /// <summary>Shorter data stays in the model: ONNX Runtime looks at shapes and axes before it reads other files.</summary>
    public const int ShortestTensor = 1024;

    /// <summary>Moves data out of a model.</summary>
    /// <param name="model">Its initializers become references. The caller's own copy.</param>
    /// <param name="stream">Takes the data; must be seekable.</param>
    /// <param name="location">The name of the stream's file as the model will give it.</param>
    /// <returns>Whether anything was written.</returns>
    public static bool Move(ModelProto model, Stream stream, string location)
    {
        var places = new Dictionary<ByteString, long>(ReferenceEqualityComparer.Instance);
        foreach (var proto in TensorWalk.Initializers(model).Where(static proto => ((ElementType)proto.DataType).Bits() > 0))
        {
            var tensor = TensorField.Read(proto);
            if (tensor.Bytes.Length < ShortestTensor)
                continue;
            if (!places.TryGetValue(proto.RawData, out var offset) || proto.RawData.Length == 0)
                offset = places[proto.RawData] = Append(stream, tensor.Bytes.Span);
            Refer(proto, location, offset, tensor.Bytes.Length);
        }

        return places.Count > 0;
    }

    private static long Append(Stream stream, ReadOnlySpan<byte> bytes)
    {
        stream.Position = (stream.Position + Alignment - 1) / Alignment * Alignment;
        var offset = stream.Position;
        stream.Write(bytes);
        return offset;
    }

    private static void Refer(TensorProto proto, string location, long offset, long length)
    {
        proto.ClearRawData();
        proto.FloatData.Clear();
        proto.Int32Data.Clear();
        proto.Int64Data.Clear();
        proto.DoubleData.Clear();
        proto.Uint64Data.Clear();
        proto.DataLocation = TensorProto.Types.DataLocation.External;
        proto.ExternalData.Add(new StringStringEntryProto { Key = "location", Value = location });
        proto.ExternalData.Add(new StringStringEntryProto { Key = "offset", Value = offset.ToString(CultureInfo.InvariantCulture) });
        proto.ExternalData.Add(new StringStringEntryProto { Key = "length", Value = length.ToString(CultureInfo.InvariantCulture) });
    }
}
