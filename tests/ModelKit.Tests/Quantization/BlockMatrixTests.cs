using VlWorker.ModelKit.Quantization;

namespace VlWorker.ModelKit.Tests.Quantization;

public sealed class BlockMatrixTests
{
    [Theory]
    [InlineData(4, 16, false)]
    [InlineData(4, 32, true)]
    [InlineData(8, 16, true)]
    [InlineData(8, 32, false)]
    public void Every_value_is_within_a_step_of_its_block(int bits, int blockSize, bool symmetric)
    {
        // 40 inputs: the last block is not full.
        var values = SmallGraphs.Weights();
        var options = new WeightOnlyOptions { Bits = bits, BlockSize = blockSize, Symmetric = symmetric };
        var matrix = BlockMatrix.Of(values, SmallGraphs.Inputs, SmallGraphs.Outputs, options);
        var blocks = (SmallGraphs.Inputs + blockSize - 1) / blockSize;

        Assert.Equal([SmallGraphs.Outputs, blocks, blockSize * bits / 8], matrix.Values.Dims);
        Assert.Equal(symmetric, matrix.ZeroPoints is null);
        for (var row = 0; row < SmallGraphs.Inputs; row++)
        {
            for (var column = 0; column < SmallGraphs.Outputs; column++)
            {
                var (value, scale) = Dequantize(matrix, row, column, bits, blockSize, blocks);
                // Rounding costs half a step, and so does the rounded zero point or the shorter side of a symmetric range.
                Assert.InRange(MathF.Abs(value - values[(row * SmallGraphs.Outputs) + column]), 0, MathF.Abs(scale) * 1.0001f);
            }
        }
    }

    [Fact]
    public void The_first_number_of_a_byte_is_in_its_lower_half_and_padding_is_zero()
    {
        var matrix = BlockMatrix.Of([-8, 7, 1], 3, 1, new WeightOnlyOptions { Bits = 4, BlockSize = 16, Symmetric = true });

        Assert.Equal([1f], matrix.Scales.ToFloats());
        Assert.Equal(new byte[] { 0xF0, 0x89, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88 }, matrix.Values.Bytes.ToArray());
    }

    private static (float Value, float Scale) Dequantize(BlockMatrix matrix, int row, int column, int bits, int blockSize, int blocks)
    {
        var (block, index) = ((column * blocks) + (row / blockSize), row % blockSize);
        var zero = matrix.ZeroPoints is null ? 1 << (bits - 1) : Read(matrix.ZeroPoints.Bytes.Span[(column * (((blocks * bits) + 7) / 8))..], row / blockSize, bits);
        var scale = matrix.Scales.ToFloats()[block];
        return (scale * (Read(matrix.Values.Bytes.Span[(block * blockSize * bits / 8)..], index, bits) - zero), scale);
    }

    private static int Read(ReadOnlySpan<byte> bytes, int index, int bits) => bits == 8 ? bytes[index] : (bytes[index / 2] >> (index % 2 * 4)) & 15;
}
