using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Families.Cpu;

/// <summary>Weights in 8 bits: value = integer * scale, the scale from the largest magnitude.</summary>
internal static class Int8Weights
{
    private const int Largest = 127;

    // What MatMulNBits takes for zero where it is not told.
    private const int Zero = 128;

    /// <summary>A scale for each output.</summary>
    /// <param name="weight">[in, out].</param>
    /// <returns>int8 [in, out] and float [out].</returns>
    public static (Tensor Values, Tensor Scales) ByOutput(Matrix weight)
    {
        var scales = new float[weight.Columns];
        for (var row = 0; row < weight.Rows; row++)
        {
            var values = weight.Row(row);
            for (var column = 0; column < values.Length; column++)
                scales[column] = Math.Max(scales[column], Math.Abs(values[column]));
        }

        for (var column = 0; column < scales.Length; column++)
            scales[column] /= Largest;
        var integers = new sbyte[weight.Values.Length];
        for (var i = 0; i < integers.Length; i++)
            integers[i] = (sbyte)Round(weight.Values[i], scales[i % weight.Columns]);
        return (Tensor.FromInt8(integers, [weight.Rows, weight.Columns]), Tensor.FromFloats(scales, [weight.Columns]));
    }

    /// <summary>A scale for each block of each output's inputs.</summary>
    /// <param name="transposed">[out, in].</param>
    /// <param name="block">Inputs a block; the last one is filled up with zeros.</param>
    /// <returns>uint8 [out, blocks, block] around 128 and float [out * blocks].</returns>
    public static (Tensor Values, Tensor Scales) ByBlock(Matrix transposed, int block)
    {
        var blocks = (transposed.Columns + block - 1) / block;
        var scales = new float[transposed.Rows * blocks];
        var integers = new byte[transposed.Rows * blocks * block];
        Array.Fill(integers, (byte)Zero);
        for (var i = 0; i < scales.Length; i++)
        {
            var (row, first) = (i / blocks, i % blocks * block);
            var values = transposed.Row(row).Slice(first, Math.Min(block, transposed.Columns - first));
            var largest = 0f;
            foreach (var value in values)
                largest = Math.Max(largest, Math.Abs(value));
            scales[i] = largest / Largest;
            for (var j = 0; j < values.Length; j++)
                integers[(i * block) + j] = (byte)(Zero + Round(values[j], scales[i]));
        }

        return (Tensor.FromUInt8(integers, [transposed.Rows, blocks, block]), Tensor.FromFloats(scales, [scales.Length]));
    }

    private static int Round(float value, float scale) => scale == 0 ? 0 : (int)MathF.Round(value / scale);
}
