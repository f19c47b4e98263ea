using System.Runtime.InteropServices;
using Google.Protobuf;
using Google.Protobuf.Collections;

namespace VlWorker.ModelKit.Onnx;

/// <summary>Between <see cref="Tensor"/> and its message in an ONNX file.</summary>
internal static class TensorField
{
    /// <summary>The message of a tensor; shares its bytes.</summary>
    public static TensorProto Write(Tensor tensor, string name) => new()
    {
        Name = name,
        DataType = (int)tensor.Type,
        Dims = { tensor.Dims },
        RawData = UnsafeByteOperations.UnsafeWrap(tensor.Bytes),
    };

    /// <summary>Reads a tensor from raw_data, which it shares, or from the typed field of its element type.</summary>
    /// <exception cref="InvalidDataException">Type, shape and data do not fit each other, or the data is in another file still.</exception>
    public static Tensor Read(TensorProto proto)
    {
        try
        {
            return Decode(proto);
        }
        catch (InvalidDataException error)
        {
            throw new InvalidDataException($"tensor {proto.Name}: {error.Message}", error);
        }
    }

    private static Tensor Decode(TensorProto proto)
    {
        var type = (ElementType)proto.DataType;
        var dims = proto.Dims.ToArray();
        if (proto.DataLocation == TensorProto.Types.DataLocation.External)
            throw new InvalidDataException("its data is in another file, which was not read");
        var length = type.ByteLength(dims);
        if (proto.HasRawData && proto.RawData.Length > 0)
            return new Tensor(type, dims, proto.RawData.Memory);

        // What typed fields hold is checked before memory is taken: a shape alone must not ask for any.
        var count = ElementTypes.Count(dims);
        var perEntry = type.Bits() < 8 ? 8 / type.Bits() : 1;
        var entries = (count + perEntry - 1) / perEntry;
        return new Tensor(type, dims, type switch
        {
            ElementType.Float => Bytes(proto.FloatData, entries),
            ElementType.Double => Bytes(proto.DoubleData, entries),
            ElementType.Int64 => Bytes(proto.Int64Data, entries),
            ElementType.UInt64 => Bytes(proto.Uint64Data, entries),
            ElementType.UInt32 => Narrow(proto.Uint64Data, entries, static value => (uint)value),
            ElementType.Complex64 => Bytes(proto.FloatData, checked(2 * entries)),
            ElementType.Complex128 => Bytes(proto.DoubleData, checked(2 * entries)),
            ElementType.Int32 => Bytes(proto.Int32Data, entries),
            _ when type.Bits() == 16 => Narrow(proto.Int32Data, entries, static value => (ushort)value),
            _ => Narrow(proto.Int32Data, entries, static value => (byte)value),
        });
    }

    private static byte[] Bytes<T>(RepeatedField<T> field, long entries)
        where T : unmanaged => Narrow(field, entries, static value => value);

    private static byte[] Narrow<TFrom, TTo>(RepeatedField<TFrom> field, long entries, Func<TFrom, TTo> narrow)
        where TTo : unmanaged
    {
        if (field.Count != entries)
            throw new InvalidDataException($"its shape asks for {entries} entries of data, and {field.Count} are there");
        var values = new TTo[field.Count];
        for (var i = 0; i < values.Length; i++)
            values[i] = narrow(field[i]);
        return MemoryMarshal.AsBytes(values.AsSpan()).ToArray();
    }
}
