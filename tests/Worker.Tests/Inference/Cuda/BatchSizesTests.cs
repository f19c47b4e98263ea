using VlWorker.Inference.Cuda;

namespace VlWorker.Worker.Tests.Inference.Cuda;

public sealed class BatchSizesTests
{
    [Fact]
    public void Every_batch_up_to_the_largest_has_a_size_that_holds_it()
    {
        var sizes = new BatchSizes(new CudaSettings(0, 2, 300));
        for (var rows = 1; rows <= 300; rows++)
            Assert.InRange(sizes.Choose(rows), rows, 300);
        Assert.Equal(300, sizes.All[^1]);
        Assert.Equal(1, sizes.All[0]);
    }

    [Theory]
    [InlineData(20, 32)] // padded to 32: 5 ms recorded against 6 ms and more kernel by kernel
    [InlineData(16, 16)]
    [InlineData(33, 33)] // 64 takes 50 ms recorded: kernel by kernel is faster
    public void Padding_or_running_unrecorded_is_whichever_was_measured_faster(int rows, int size)
    {
        var sizes = new BatchSizes(new CudaSettings(0, 2, 64) { RecordedBatches = [16, 32, 64] });
        sizes.Measured(16, 6, 3);
        sizes.Measured(32, 8, 5);
        sizes.Measured(64, 12, 50);
        Assert.Equal(size, sizes.Choose(rows));
    }
}
