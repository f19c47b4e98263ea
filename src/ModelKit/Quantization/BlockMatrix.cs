using VlWorker.ModelKit.Onnx;

namespace VlWorker.ModelKit.Quantization;

/// <summary>
/// A matrix [in, out] in blocks along its input, as MatMulNBits takes it: value = scale * (integer - zero point). Integers narrower than a
/// byte are packed, the first into the lowest bits.
/// </summary>
/// <param name="Values">UInt8 [out, blocks, bytes of a block].</param>
/// <param name="Scales">Float [out x blocks].</param>
/// <param name="ZeroPoints">UInt8 [out x bytes of an output's zero points]; null where all are half of the range.</param>
internal sealed record BlockMatrix(Tensor Values, Tensor Scales, Tensor? ZeroPoints)
{
    /// <summary>Quantises a matrix.</summary>
    /// <param name="values">Row by row.</param>
    /// <param name="rows">Inputs.</param>
    /// <param name="columns">Outputs.</param>
    /// <param name="options">Bits, block size and symmetry.</param>
    public static BlockMatrix Of(float[] values, int rows, int columns, WeightOnlyOptions options)
    {
        var blocks = (rows + options.BlockSize - 1) / options.BlockSize;
        var blockBytes = options.BlockSize * options.Bits / 8;
        var zeroBytes = ((blocks * options.Bits) + 7) / 8;
        var (packed, scales, zeros) = (new byte[(long)columns * blocks * blockBytes], new float[columns * blocks], new byte[columns * zeroBytes]);
        var block = new float[options.BlockSize];
        for (var column = 0; column < columns; column++)
        {
            for (var b = 0; b < blocks; b++)
            {
                // Past the last input the block is padded with zeros.
                for (var i = 0; i < block.Length; i++)
                    block[i] = (b * options.BlockSize) + i is var row && row < rows ? values[((long)row * columns) + column] : 0;
                var (scale, zero) = Scale(block, options);
                scales[(column * blocks) + b] = scale;
                Pack(zeros.AsSpan(column * zeroBytes, zeroBytes), b, zero, options.Bits);
                var target = packed.AsSpan(((column * blocks) + b) * blockBytes, blockBytes);
                for (var i = 0; i < block.Length; i++)
                    Pack(target, i, (int)Math.Clamp(MathF.Round(block[i] / scale) + zero, 0, (1 << options.Bits) - 1), options.Bits);
            }
        }

        return new BlockMatrix(
            new Tensor(ElementType.UInt8, [columns, blocks, blockBytes], packed),
            Tensor.FromFloats(scales, [(long)columns * blocks]),
            options.Symmetric ? null : new Tensor(ElementType.UInt8, [(long)columns * zeroBytes], zeros));
    }

    private static (float Scale, int Zero) Scale(float[] block, WeightOnlyOptions options)
    {
        var most = (1 << options.Bits) - 1;
        var half = 1 << (options.Bits - 1);
        var (low, high) = (Math.Min(0, block.Min()), Math.Max(0, block.Max()));
        if (!float.IsFinite(low) || !float.IsFinite(high))
            throw new InvalidDataException("a weight is not a finite number");
        if (options.Symmetric)
        {
            // The value that is farthest from 0 gets the end of the range that has one integer more: the scale takes its sign.
            var farthest = -low > high ? low : high;
            return farthest == 0 ? (1, half) : (farthest / -half, half);
        }

        var scale = (high - low) / most;
        return scale == 0 ? (1, half) : (scale, (int)Math.Clamp(MathF.Round(-low / scale), 0, most));
    }

    private static void Pack(Span<byte> target, int index, int value, int bits)
    {
        if (bits == 8)
            target[index] = (byte)value;
        else
            target[index / 2] |= (byte)(value << (index % 2 * 4));
    }
}
