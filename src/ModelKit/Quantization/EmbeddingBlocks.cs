using VlWorker.ModelKit.Onnx;

namespace VlWorker.ModelKit.Quantization;

/// <summary>4-bit blocks as GatherBlockQuantized takes them: UInt4 tensors without the padding that MatMulNBits wants.</summary>
internal static class EmbeddingBlocks
{
    /// <summary>The integers, UInt4 [rows, width].</summary>
    /// <param name="blocks">Blocks of each row, padded to whole blocks.</param>
    /// <param name="width">Elements a row.</param>
    /// <param name="blockSize">Elements a block.</param>
    public static Tensor Values(BlockMatrix blocks, int width, int blockSize)
    {
        var rows = (int)blocks.Values.Dims[0];
        var padded = (int)blocks.Values.Dims[1] * blockSize;
        return new Tensor(ElementType.UInt4, [rows, width], Repack(blocks.Values.Bytes.Span, rows, width, padded));
    }

    /// <summary>The zero points, UInt4 [rows, blocks].</summary>
    public static Tensor Zeros(BlockMatrix blocks, int rows, int count) =>
        new(ElementType.UInt4, [rows, count], Repack(blocks.ZeroPoints!.Bytes.Span, rows, count, (count + 1) / 2 * 2));

    private static byte[] Repack(ReadOnlySpan<byte> source, int rows, int width, int stride)
    {
        var target = new byte[(((long)rows * width) + 1) / 2];
        for (var row = 0; row < rows; row++)
        {
            for (var i = 0; i < width; i++)
            {
                var (from, to) = (((long)row * stride) + i, ((long)row * width) + i);
                var value = (source[(int)(from / 2)] >> (int)(from % 2 * 4)) & 15;
                target[to / 2] |= (byte)(value << (int)(to % 2 * 4));
            }
        }

        return target;
    }
}
