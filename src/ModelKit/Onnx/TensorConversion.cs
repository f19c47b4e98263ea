using System.Runtime.InteropServices;

namespace VlWorker.ModelKit.Onnx;

/// <summary>Between floats and the bytes of other element types.</summary>
internal static class TensorConversion
{
    /// <summary>Writes floats as Float, Float16 or BFloat16, rounded to the nearest, ties to even.</summary>
    public static byte[] FromFloats(ReadOnlySpan<float> values, ElementType type)
    {
        switch (type)
        {
            case ElementType.Float:
                return MemoryMarshal.AsBytes(values).ToArray();
            case ElementType.Float16:
                var halves = new byte[values.Length * sizeof(ushort)];
                var half = MemoryMarshal.Cast<byte, Half>(halves.AsSpan());
                for (var i = 0; i < values.Length; i++)
                    half[i] = (Half)values[i];
                return halves;
            case ElementType.BFloat16:
                var brains = new byte[values.Length * sizeof(ushort)];
                var brain = MemoryMarshal.Cast<byte, ushort>(brains.AsSpan());
                for (var i = 0; i < values.Length; i++)
                    brain[i] = ToBFloat16(values[i]);
                return brains;
            default:
                throw new ArgumentException($"floats can't be stored as {type}", nameof(type));
        }
    }

    /// <summary>Reads elements as floats.</summary>
    /// <exception cref="InvalidDataException">The type is no number of 8 bits or more, or is complex.</exception>
    public static float[] ToFloats(ReadOnlySpan<byte> bytes, ElementType type) => type switch
    {
        ElementType.Float => MemoryMarshal.Cast<byte, float>(bytes).ToArray(),
        ElementType.Float16 => Convert(MemoryMarshal.Cast<byte, Half>(bytes), static value => (float)value),
        ElementType.BFloat16 => Convert(MemoryMarshal.Cast<byte, ushort>(bytes), static value => BitConverter.UInt32BitsToSingle((uint)value << 16)),
        ElementType.Double => Convert(MemoryMarshal.Cast<byte, double>(bytes), static value => (float)value),
        ElementType.Int8 => Convert(MemoryMarshal.Cast<byte, sbyte>(bytes), static value => value),
        ElementType.UInt8 or ElementType.Bool => Convert(bytes, static value => value),
        ElementType.Int16 => Convert(MemoryMarshal.Cast<byte, short>(bytes), static value => value),
        ElementType.UInt16 => Convert(MemoryMarshal.Cast<byte, ushort>(bytes), static value => value),
        ElementType.Int32 => Convert(MemoryMarshal.Cast<byte, int>(bytes), static value => value),
        ElementType.UInt32 => Convert(MemoryMarshal.Cast<byte, uint>(bytes), static value => value),
        ElementType.Int64 => Convert(MemoryMarshal.Cast<byte, long>(bytes), static value => value),
        ElementType.UInt64 => Convert(MemoryMarshal.Cast<byte, ulong>(bytes), static value => value),
        _ => throw new InvalidDataException($"elements of type {type} can't be read as floats"),
    };

    // The upper half of a float; a NaN keeps a bit of its fraction, or it would become infinite.
    private static ushort ToBFloat16(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        return float.IsNaN(value) ? (ushort)((bits >> 16) | 0x40) : (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }

    private static float[] Convert<T>(ReadOnlySpan<T> values, Func<T, float> convert)
    {
        var floats = GC.AllocateUninitializedArray<float>(values.Length);
        for (var i = 0; i < floats.Length; i++)
            floats[i] = convert(values[i]);
        return floats;
    }
}
