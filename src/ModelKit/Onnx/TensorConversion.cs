using System.Runtime.InteropServices;

namespace VlWorker.ModelKit.Onnx;

/// <summary>Between floats and the bytes of other element types.</summary>
internal static class TensorConversion
{
    /// <summary>Writes floats as Float, Float16 or BFloat16, rounded to the nearest, ties to even.</summary>
    /// <exception cref="ArgumentException">It is another type.</exception>
    public static byte[] FromFloats(ReadOnlySpan<float> values, ElementType type)
    {
        if (type == ElementType.Float)
            return MemoryMarshal.AsBytes(values).ToArray();
        if (type is not (ElementType.Float16 or ElementType.BFloat16))
            throw new ArgumentException($"floats can't be stored as {type}", nameof(type));
        var bytes = new byte[values.Length * sizeof(ushort)];
        var words = MemoryMarshal.Cast<byte, ushort>(bytes.AsSpan());
        for (var i = 0; i < values.Length; i++)
            words[i] = type == ElementType.Float16 ? BitConverter.HalfToUInt16Bits((Half)values[i]) : ToBFloat16(values[i]);
        return bytes;
    }

    /// <summary>Reads elements as floats; integers are converted, not scaled.</summary>
    /// <param name="bytes">The elements, little-endian.</param>
    /// <param name="type">Their type.</param>
    /// <param name="floats">Takes them: as many as there are elements.</param>
    /// <exception cref="InvalidDataException">The type is no number of 8 bits or more, or is complex.</exception>
    public static void ToFloats(ReadOnlySpan<byte> bytes, ElementType type, Span<float> floats)
    {
        switch (type)
        {
            case ElementType.Float: MemoryMarshal.Cast<byte, float>(bytes).CopyTo(floats); break;
            case ElementType.Float16: Convert<Half>(bytes, floats, static value => (float)value); break;
            case ElementType.BFloat16: Convert<ushort>(bytes, floats, static value => BitConverter.UInt32BitsToSingle((uint)value << 16)); break;
            case ElementType.Double: Convert<double>(bytes, floats, static value => (float)value); break;
            case ElementType.Int8: Convert<sbyte>(bytes, floats, static value => value); break;
            case ElementType.UInt8 or ElementType.Bool: Convert<byte>(bytes, floats, static value => value); break;
            case ElementType.Int16: Convert<short>(bytes, floats, static value => value); break;
            case ElementType.UInt16: Convert<ushort>(bytes, floats, static value => value); break;
            case ElementType.Int32: Convert<int>(bytes, floats, static value => value); break;
            case ElementType.UInt32: Convert<uint>(bytes, floats, static value => value); break;
            case ElementType.Int64: Convert<long>(bytes, floats, static value => value); break;
            case ElementType.UInt64: Convert<ulong>(bytes, floats, static value => value); break;
            default: throw new InvalidDataException($"elements of type {type} can't be read as floats");
        }
    }

    // The upper half of a float; a NaN keeps a bit of its fraction, or it would become infinite.
    private static ushort ToBFloat16(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        return float.IsNaN(value) ? (ushort)((bits >> 16) | 0x40) : (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }

    private static void Convert<T>(ReadOnlySpan<byte> bytes, Span<float> floats, Func<T, float> convert)
        where T : unmanaged
    {
        var values = MemoryMarshal.Cast<byte, T>(bytes);
        for (var i = 0; i < floats.Length; i++)
            floats[i] = convert(values[i]);
    }
}
