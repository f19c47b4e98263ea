using VlWorker.ModelKit.Onnx;

namespace VlWorker.ModelKit.Quantization;

/// <summary>What shares a scale.</summary>
internal enum ScaleAxis
{
    /// <summary>All elements.</summary>
    Tensor,

    /// <summary>The elements of a row.</summary>
    Row,

    /// <summary>The elements of a column.</summary>
    Column,
}

/// <summary>A matrix of 8-bit integers: value = scale * (integer - zero point), rounded as ONNX Runtime's quantize_dynamic does it.</summary>
/// <param name="Values">Int8 or UInt8 [rows, columns].</param>
/// <param name="Scales">Float: a scalar, or one for each row or column.</param>
/// <param name="ZeroPoints">Of the type of the values and the shape of the scales.</param>
internal sealed record IntegerMatrix(Tensor Values, Tensor Scales, Tensor ZeroPoints)
{
    private const float MinNormal = 1.17549435e-38f;

    /// <summary>Quantises a matrix.</summary>
    /// <param name="values">Row by row.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="columns">Columns.</param>
    /// <param name="axis">What shares a scale.</param>
    /// <param name="signed">Int8 around 0; else UInt8 with zero points.</param>
    /// <param name="reduceRange">7 bits.</param>
    public static IntegerMatrix Of(float[] values, int rows, int columns, ScaleAxis axis, bool signed, bool reduceRange)
    {
        var groups = axis switch { ScaleAxis.Row => rows, ScaleAxis.Column => columns, _ => 1 };
        var (lowest, highest) = Ranges(values, columns, axis, groups);
        var (least, most) = signed ? (reduceRange ? (-64, 64) : (-127, 127)) : (reduceRange ? (0, 127) : (0, 255));
        var (scales, zeros) = (new float[groups], new byte[groups]);
        for (var group = 0; group < groups; group++)
        {
            var (low, high) = signed ? Around(lowest[group], highest[group]) : (lowest[group], highest[group]);
            var scale = (high - low) / (most - least);
            scales[group] = scale < MinNormal ? 1 : scale;
            // Int8 around 0 has no zero point, and a group of zeros needs none.
            zeros[group] = signed || scale < MinNormal ? (byte)0 : (byte)Math.Clamp(MathF.Round(least - (low / scale)), least, most);
        }

        var integers = new byte[values.Length];
        for (var i = 0; i < values.Length; i++)
        {
            var group = GroupOf(i, columns, axis);
            var value = (int)Math.Clamp(MathF.Round(values[i] / scales[group]) + zeros[group], least, most);
            integers[i] = unchecked((byte)value);
        }

        var type = signed ? ElementType.Int8 : ElementType.UInt8;
        long[] shape = groups == 1 && axis == ScaleAxis.Tensor ? [] : [groups];
        return new IntegerMatrix(new Tensor(type, [rows, columns], integers), Tensor.FromFloats(scales, shape), new Tensor(type, shape, zeros));
    }

    private static int GroupOf(int i, int columns, ScaleAxis axis) =>
        axis switch { ScaleAxis.Row => i / columns, ScaleAxis.Column => i % columns, _ => 0 };

    private static (float Low, float High) Around(float low, float high)
    {
        var most = Math.Max(-low, high);
        return (-most, most);
    }

    // The range always holds 0, which must have an exact integer.
    private static (float[] Lowest, float[] Highest) Ranges(float[] values, int columns, ScaleAxis axis, int groups)
    {
        var (lowest, highest) = (new float[groups], new float[groups]);
        for (var i = 0; i < values.Length; i++)
        {
            var group = GroupOf(i, columns, axis);
            if (!float.IsFinite(values[i]))
                throw new InvalidDataException("a weight is not a finite number");
            lowest[group] = Math.Min(lowest[group], values[i]);
            highest[group] = Math.Max(highest[group], values[i]);
        }

        return (lowest, highest);
    }
}
