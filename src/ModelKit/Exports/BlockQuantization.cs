using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Exports;

/// <summary>The weight of a MatMulNBits: 4 or 8 bits a value, a scale for each block of neighbouring inputs of an output.</summary>
internal static class BlockQuantization
{
    /// <summary>Dequantises the weight to [in, out]; null if the node has a form that is not followed.</summary>
    /// <param name="node">The MatMulNBits.</param>
    /// <param name="initializer">Finds an initializer.</param>
    public static Folded? Read(GraphNode node, Func<string, TensorProto?> initializer)
    {
        var (k, n) = ((int)node.Integer("K", 0), (int)node.Integer("N", 0));
        var (bits, block) = ((int)node.Integer("bits", 4), (int)node.Integer("block_size", 0));
        if (k <= 0 || n <= 0 || block <= 0 || bits is not (4 or 8) || node.Input(4).Length > 0)
            return null;
        if (initializer(node.Input(1)) is not { } packed || initializer(node.Input(2)) is not { } scales)
            return null;
        var zeros = node.Input(3).Length > 0 ? initializer(node.Input(3)) : null;
        if (node.Input(3).Length > 0 && zeros is null)
            return null;
        return new Folded([k, n], () => Dequantize(
            TensorField.Read(packed), TensorField.Read(scales), zeros is null ? null : TensorField.Read(zeros), k, n, bits, block));
    }

    private static float[] Dequantize(Tensor packed, Tensor scales, Tensor? zeros, int k, int n, int bits, int block)
    {
        var blocks = (k + block - 1) / block;
        var scale = scales.ToFloats();
        var bytes = packed.Bytes.Span;
        var perBlock = block * bits / 8;
        if (bytes.Length != n * blocks * perBlock || scale.Length != n * blocks)
            throw new InvalidDataException($"a weight of {k} x {n} in blocks of {block} does not have {bytes.Length} bytes and {scale.Length} scales");
        var offsets = Offsets(zeros, n, blocks, bits);
        var result = new float[k * n];
        for (var output = 0; output < n; output++)
        {
            for (var input = 0; input < k; input++)
            {
                var at = (output * blocks) + (input / block);
                var q = Packed(bytes[(at * perBlock)..], input % block, bits);
                result[(input * n) + output] = (q - offsets[at]) * scale[at];
            }
        }

        return new Matrix(k, n, result).Values;
    }

    private static float[] Offsets(Tensor? zeros, int n, int blocks, int bits)
    {
        var result = new float[n * blocks];
        if (zeros is null)
        {
            Array.Fill(result, 1 << (bits - 1));
            return result;
        }

        if (zeros.Type != ElementType.UInt8)
            return zeros.ToFloats();
        var row = ((blocks * bits) + 7) / 8; // each output's zero points start a byte
        for (var i = 0; i < result.Length; i++)
            result[i] = Packed(zeros.Bytes.Span[(i / blocks * row)..], i % blocks, bits);
        return result;
    }

    private static int Packed(ReadOnlySpan<byte> bytes, int index, int bits) =>
        bits == 8 ? bytes[index] : (bytes[index / 2] >> (4 * (index % 2))) & 0xF;
}
