namespace VlWorker.ModelKit.Onnx;

/// <summary>The type of a tensor's elements, by ONNX's numbers.</summary>
internal enum ElementType
{
    Undefined = 0,
    Float = 1,
    UInt8 = 2,
    Int8 = 3,
    UInt16 = 4,
    Int16 = 5,
    Int32 = 6,
    Int64 = 7,
    String = 8,
    Bool = 9,
    Float16 = 10,
    Double = 11,
    UInt32 = 12,
    UInt64 = 13,
    Complex64 = 14,
    Complex128 = 15,
    BFloat16 = 16,
    Float8E4M3FN = 17,
    Float8E4M3FNUZ = 18,
    Float8E5M2 = 19,
    Float8E5M2FNUZ = 20,
    UInt4 = 21,
    Int4 = 22,
    Float4E2M1 = 23,
    Float8E8M0 = 24,
    UInt2 = 25,
    Int2 = 26,
}

/// <summary>How elements are stored.</summary>
internal static class ElementTypes
{
    /// <summary>Bits of one element; elements narrower than a byte are packed, the first into the lowest bits.</summary>
    /// <returns>0 for strings and for numbers that are no element type.</returns>
    public static int Bits(this ElementType type) => type switch
    {
        ElementType.UInt2 or ElementType.Int2 => 2,
        ElementType.UInt4 or ElementType.Int4 or ElementType.Float4E2M1 => 4,
        ElementType.UInt8 or ElementType.Int8 or ElementType.Bool => 8,
        >= ElementType.Float8E4M3FN and <= ElementType.Float8E5M2FNUZ or ElementType.Float8E8M0 => 8,
        ElementType.UInt16 or ElementType.Int16 or ElementType.Float16 or ElementType.BFloat16 => 16,
        ElementType.Float or ElementType.Int32 or ElementType.UInt32 => 32,
        ElementType.Double or ElementType.Int64 or ElementType.UInt64 or ElementType.Complex64 => 64,
        ElementType.Complex128 => 128,
        _ => 0,
    };

    /// <summary>Elements of a shape; 1 for a scalar.</summary>
    /// <exception cref="InvalidDataException">A dimension is negative, or the product passes 63 bits.</exception>
    public static long Count(ReadOnlySpan<long> dims)
    {
        long count = 1;
        foreach (var dim in dims)
        {
            if (dim < 0)
                throw new InvalidDataException($"the shape [{string.Join(", ", dims.ToArray())}] has a negative dimension");
            if (count != 0 && dim > long.MaxValue / count)
                throw new InvalidDataException($"the shape [{string.Join(", ", dims.ToArray())}] has too many elements");
            count *= dim;
        }

        return count;
    }

    /// <summary>Bytes of a shape's elements.</summary>
    /// <exception cref="InvalidDataException">The shape is impossible, or the type is not stored in bytes of fixed size.</exception>
    public static long ByteLength(this ElementType type, ReadOnlySpan<long> dims)
    {
        var bits = type.Bits();
        if (bits == 0)
            throw new InvalidDataException($"elements of type {type} have no fixed size");
        var count = Count(dims);
        if (count > (long.MaxValue - 7) / bits)
            throw new InvalidDataException($"the shape [{string.Join(", ", dims.ToArray())}] has too many elements");
        return ((count * bits) + 7) / 8;
    }
}
