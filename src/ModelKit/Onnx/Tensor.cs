using System.Numerics;
using System.Runtime.InteropServices;

namespace VlWorker.ModelKit.Onnx;

/// <summary>A constant: element type, shape, and its elements in row-major order as little-endian bytes. Immutable; below 2 GB.</summary>
internal sealed class Tensor
{
    /// <summary>Takes over the bytes: nobody may change them afterwards.</summary>
    /// <exception cref="InvalidDataException">The bytes are not as many as type and shape ask for.</exception>
    public Tensor(ElementType type, ReadOnlySpan<long> dims, ReadOnlyMemory<byte> bytes)
    {
        if (type.ByteLength(dims) is var length && length != bytes.Length)
            throw new InvalidDataException($"a tensor of {type} [{string.Join(", ", dims.ToArray())}] has {length} bytes, not {bytes.Length}");
        Type = type;
        Dims = dims.ToArray();
        Bytes = bytes;
    }

    /// <summary>The type of the elements.</summary>
    public ElementType Type { get; }

    /// <summary>The shape; empty for a scalar.</summary>
    public long[] Dims { get; }

    /// <summary>The elements.</summary>
    public ReadOnlyMemory<byte> Bytes { get; }

    /// <summary>How many elements there are.</summary>
    public long Count => ElementTypes.Count(Dims);

    /// <summary>Stores floats, rounded to the nearest (ties to even) where the type is narrower.</summary>
    /// <param name="values">As many as the shape has elements; copied.</param>
    /// <param name="dims">The shape.</param>
    /// <param name="type">Float, Float16 or BFloat16. What passes the range of Float16 becomes infinite.</param>
    public static Tensor FromFloats(ReadOnlySpan<float> values, ReadOnlySpan<long> dims, ElementType type = ElementType.Float) =>
        new(type, dims, TensorConversion.FromFloats(values, type));

    public static Tensor FromInt64(ReadOnlySpan<long> values, ReadOnlySpan<long> dims) => Copy(ElementType.Int64, values, dims);

    public static Tensor FromInt32(ReadOnlySpan<int> values, ReadOnlySpan<long> dims) => Copy(ElementType.Int32, values, dims);

    public static Tensor FromInt8(ReadOnlySpan<sbyte> values, ReadOnlySpan<long> dims) => Copy(ElementType.Int8, values, dims);

    public static Tensor FromUInt8(ReadOnlySpan<byte> values, ReadOnlySpan<long> dims) => Copy(ElementType.UInt8, values, dims);

    /// <summary>A scalar of a float type.</summary>
    public static Tensor Scalar(float value, ElementType type = ElementType.Float) => FromFloats([value], [], type);

    public static Tensor Scalar(long value) => FromInt64([value], []);

    public static Tensor Scalar(int value) => FromInt32([value], []);

    public static Tensor Scalar(sbyte value) => FromInt8([value], []);

    public static Tensor Scalar(byte value) => FromUInt8([value], []);

    public static Tensor Scalar(bool value) => new(ElementType.Bool, [], new[] { value ? (byte)1 : (byte)0 });

    /// <summary>The elements as floats; integers are converted, not scaled.</summary>
    /// <exception cref="InvalidDataException">The type is no number of 8 bits or more, or is complex.</exception>
    public float[] ToFloats()
    {
        var floats = GC.AllocateUninitializedArray<float>(checked((int)Count));
        TensorConversion.ToFloats(Bytes.Span, Type, floats);
        return floats;
    }

    /// <summary>The elements of an Int64 or Int32 tensor.</summary>
    /// <exception cref="InvalidDataException">It is of another type.</exception>
    public long[] ToInt64() => Type switch
    {
        ElementType.Int64 => MemoryMarshal.Cast<byte, long>(Bytes.Span).ToArray(),
        ElementType.Int32 => [.. MemoryMarshal.Cast<byte, int>(Bytes.Span).ToArray().Select(static value => (long)value)],
        _ => throw new InvalidDataException($"a tensor of {Type} is read as integers of 64 bits"),
    };

    /// <summary>Whether type, shape and bytes are the same.</summary>
    public bool ContentEquals(Tensor other) => ReferenceEquals(this, other)
        || (Type == other.Type && Dims.AsSpan().SequenceEqual(other.Dims) && Bytes.Span.SequenceEqual(other.Bytes.Span));

    private static Tensor Copy<T>(ElementType type, ReadOnlySpan<T> values, ReadOnlySpan<long> dims)
        where T : unmanaged, INumber<T>
    {
        if (!BitConverter.IsLittleEndian)
            throw new PlatformNotSupportedException("ONNX Runtime has no build for big-endian machines");
        return new Tensor(type, dims, MemoryMarshal.AsBytes(values).ToArray());
    }
}
