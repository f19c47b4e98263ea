using VlWorker.Buffers;
using VlWorker.Decoding;
using VlWorker.Inference.Cuda;
using VlWorker.Inference.Engine;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.Worker.Tests.Inference.Cuda;

public sealed class PaddedPatchWriterTests
{
    private const int Side = 4;
    private const int Most = 12;

    [Theory]
    [InlineData(3, 2)]
    [InlineData(2, 5)]
    [InlineData(4, 3)] // no padding
    public void Each_patch_has_the_weights_of_its_row_and_column_and_padding_has_none(int across, int down)
    {
        using var pixels = new PreparedPixels(across * Side, down * Side, new PooledBuffer(across * down * Side * Side * 3), null);
        var writer = new PaddedPatchWriter(new PatchGrid(Side, Most), 3, 2);
        var (rows, columns) = (new float[Most * writer.Rows], new float[Most * writer.Columns]);
        Array.Fill(rows, 9);
        Array.Fill(columns, 9);
        Assert.Equal(across * down, writer.Write(pixels, new byte[Most * writer.PatchBytes], rows, columns));
        var (ofRows, ofColumns) = (new PositionWeights(3).Of(down), new PositionWeights(2).Of(across));
        for (var patch = 0; patch < Most; patch++)
        {
            var own = patch < across * down;
            Assert.Equal(own ? ofRows.AsSpan(patch / across * 3, 3) : new float[3], rows.AsSpan(patch * 3, 3));
            Assert.Equal(own ? ofColumns.AsSpan(patch % across * 2, 2) : new float[2], columns.AsSpan(patch * 2, 2));
        }
    }

    [Theory]
    [InlineData(false, new[] { 5, 12, 0, 0, 0, 0, 0, 0, 0, 0 })]
    [InlineData(true, new[] { 5, 12, 0, 12, 24, 0, 12, 24, 0, 0 })]
    public void A_mask_says_how_many_keys_each_image_has_and_maybe_where_its_queries_and_keys_begin(bool fused, int[] expected)
    {
        var mask = new int[2 * PaddedPatchWriter.MaskNumbers];
        new PaddedPatchWriter(new PatchGrid(Side, Most), 3, 2).WriteMask([5, 12], fused, mask);
        Assert.Equal(expected, mask);
    }
}
