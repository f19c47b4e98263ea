using VlWorker.ModelKit.Onnx;

namespace VlWorker.ModelKit.Quantization.HalfPrecision;

/// <summary>A constant in 16 bits, and whether it is still the same.</summary>
internal static class HalfConstant
{
    /// <summary>The greatest finite number of 16 bits.</summary>
    public const float Largest = 65504;

    /// <summary>
    /// What masks are filled with: numbers beyond this mean "nothing" and become half of the range, which adding a score to does not pass.
    /// </summary>
    public const float MaskFrom = 1e30f;

    /// <summary>Error relative to the whole tensor that rounding to 11 bits does not reach; what vanishes or gets subnormal does.</summary>
    public const float LossAllowed = 1e-3f;

    private const float Mask = Largest / 2;

    /// <summary>Why a constant can't be stored in 16 bits; null if it can.</summary>
    public static string? Obstacle(ReadOnlySpan<float> values)
    {
        double errors = 0, squares = 0;
        foreach (var value in values)
        {
            if (IsMask(value) || float.IsNaN(value))
                continue;
            if (MathF.Abs(value) > Largest)
                return FormattableString.Invariant($"a constant of {value:g4} is beyond the range of fp16");
            var error = (double)value - (double)(System.Half)value;
            (errors, squares) = (errors + (error * error), squares + ((double)value * value));
        }

        return Math.Sqrt(errors) <= LossAllowed * Math.Sqrt(squares) ? null
            : values.Length == 1 ? FormattableString.Invariant($"the constant {values[0]:g4} has too few digits in fp16")
                : "a constant's small values get lost in fp16";
    }

    /// <summary>Stores a constant in 16 bits.</summary>
    public static Tensor Convert(Tensor tensor)
    {
        var values = tensor.ToFloats();
        for (var i = 0; i < values.Length; i++)
        {
            if (IsMask(values[i]) && float.IsFinite(values[i]))
                values[i] = MathF.CopySign(Mask, values[i]);
        }

        return Tensor.FromFloats(values, tensor.Dims, ElementType.Float16);
    }

    private static bool IsMask(float value) => MathF.Abs(value) >= MaskFrom;
}
