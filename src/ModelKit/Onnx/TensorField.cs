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
    /// <exception cref="InvalidDataException">Type, shape and data do not fit each other, it holds texts, or its data is in another file still.</exception>
    public static Tensor Read(TensorProto proto)
    {
        Check(proto);
        var type = (ElementType)proto.DataType;
        var dims = proto.Dims.ToArray();
        if (type == ElementType.String)
            throw new InvalidDataException($"tensor {Printable(proto.Name)}: it holds texts, not numbers");
        if (proto.DataLocation == TensorProto.Types.DataLocation.External)
            throw new InvalidDataException($"tensor {Printable(proto.Name)}: its data is in another file, which was not read");
        return new Tensor(type, dims, proto.RawData.Length > 0 ? proto.RawData.Memory : FromTypedField(proto, type));
    }

    /// <summary>Checks that type, shape and data fit each other; costs no memory.</summary>
    /// <exception cref="InvalidDataException">They don't.</exception>
    public static void Check(TensorProto proto)
    {
        try
        {
            CheckContent(proto);
        }
        catch (InvalidDataException error)
        {
            throw new InvalidDataException($"tensor {Printable(proto.Name)}: {error.Message}", error);
        }
    }

    /// <summary>Bytes that a tensor's data takes in a message, or a few more.</summary>
    public static long DataLength(TensorProto proto)
    {
        const int LongestVarint = 10;
        return proto.RawData.Length + (sizeof(float) * (long)proto.FloatData.Count) + (sizeof(double) * (long)proto.DoubleData.Count)
            + (LongestVarint * ((long)proto.Int32Data.Count + proto.Int64Data.Count + proto.Uint64Data.Count))
            + proto.StringData.Sum(static text => (long)text.Length + LongestVarint);
    }

    /// <summary>A name from a file for a message: short, and without control characters.</summary>
    public static string Printable(string name)
    {
        const int Longest = 200;
        var text = name.Length <= Longest ? name : $"{name.AsSpan(0, Longest)}...";
        return string.Concat(text.Select(static character => char.IsControl(character) ? '?' : character));
    }

    private static void CheckContent(TensorProto proto)
    {
        var type = (ElementType)proto.DataType;
        if (type != ElementType.String && type.Bits() == 0)
            throw new InvalidDataException($"{proto.DataType} is no element type that is known here");
        if (proto.Segment is not null)
            throw new InvalidDataException("it is stored in segments, which nobody writes");
        var count = ElementTypes.Count([.. proto.Dims]);
        if (proto.DataLocation == TensorProto.Types.DataLocation.External)
            return;
        var (have, want) = type == ElementType.String ? (proto.StringData.Count, count)
            : proto.RawData.Length > 0 ? (proto.RawData.Length, type.ByteLength([.. proto.Dims]))
            : (TypedEntries(proto, type), Entries(type, count));
        var unit = proto.RawData.Length > 0 ? "bytes" : "entries";
        if (have != want)
            throw new InvalidDataException($"{type} [{string.Join(", ", proto.Dims)}] asks for {want} {unit} of data, not {have}");
    }

    /// <summary>Entries of the typed field: elements below a byte are packed, complex ones take two.</summary>
    private static long Entries(ElementType type, long count) => type switch
    {
        ElementType.Complex64 or ElementType.Complex128 => count > long.MaxValue / 2 ? long.MaxValue : 2 * count,
        _ when type.Bits() < 8 => (count / (8 / type.Bits())) + (count % (8 / type.Bits()) > 0 ? 1 : 0),
        _ => count,
    };

    private static int TypedEntries(TensorProto proto, ElementType type) => type switch
    {
        ElementType.Float or ElementType.Complex64 => proto.FloatData.Count,
        ElementType.Double or ElementType.Complex128 => proto.DoubleData.Count,
        ElementType.Int64 => proto.Int64Data.Count,
        ElementType.UInt32 or ElementType.UInt64 => proto.Uint64Data.Count,
        _ => proto.Int32Data.Count,
    };

    private static byte[] FromTypedField(TensorProto proto, ElementType type) => type switch
    {
        ElementType.Float or ElementType.Complex64 => Bytes(proto.FloatData, static value => value),
        ElementType.Double or ElementType.Complex128 => Bytes(proto.DoubleData, static value => value),
        ElementType.Int64 => Bytes(proto.Int64Data, static value => value),
        ElementType.UInt64 => Bytes(proto.Uint64Data, static value => value),
        ElementType.UInt32 => Bytes(proto.Uint64Data, static value => (uint)value),
        ElementType.Int32 => Bytes(proto.Int32Data, static value => value),
        _ when type.Bits() == 16 => Bytes(proto.Int32Data, static value => (ushort)value),
        _ => Bytes(proto.Int32Data, static value => (byte)value),
    };

    private static byte[] Bytes<TFrom, TTo>(RepeatedField<TFrom> field, Func<TFrom, TTo> convert)
        where TTo : unmanaged
    {
        var values = new TTo[field.Count];
        for (var i = 0; i < values.Length; i++)
            values[i] = convert(field[i]);
        return MemoryMarshal.AsBytes(values.AsSpan()).ToArray();
    }
}
