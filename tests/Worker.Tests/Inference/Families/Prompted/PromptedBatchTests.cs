using VlWorker.Buffers;
using VlWorker.Decoding;
using VlWorker.Inference.Cuda;
using VlWorker.Inference.Families.Prompted;
using VlWorker.Inference.Families.Prompted.Cuda;

namespace VlWorker.Worker.Tests.Inference.Families.Prompted;

public sealed class PromptedBatchTests : IDisposable
{
    private readonly PreparedPixels[] _images = [.. Enumerable.Range(0, 3).Select(_ => new PreparedPixels(2, 2, new PooledBuffer(12), null) { IsMadeUp = true })];

    [Fact]
    public void Rows_whose_prompts_have_one_length_run_together_and_each_image_is_there_once()
    {
        using var first = Solid(1);
        using var likeIt = Solid(1);
        using var second = Solid(2);
        var batch = new PromptedBatch([Row(first, 8), Row(second, 5), Row(likeIt, 5), Row(second, 8), Row(first, 7)]);

        Assert.Equal([first, second], batch.Images);
        Assert.Equal([[0, 3], [1, 2], [4]], batch.Together);
        Assert.Equal(5, batch.Prompt(2).Length);
        // The second group's rows have the second image and the first.
        Assert.Equal([(0, 1, 1), (1, 0, 1)], batch.Copies([1, 2]));
        Assert.Equal([(0, 0, 2)], batch.Copies([2, 1]));
    }

    [Fact]
    public void Images_of_their_own_are_copied_at_once()
    {
        var batch = new PromptedBatch([.. _images.Select(image => Row(image, 4))]);
        Assert.Equal([(0, 0, 3)], batch.Copies([0, 1, 2]));
        Assert.Equal([(0, 2, 1), (1, 0, 2)], batch.Copies([2, 0, 1]));
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 16)]
    [InlineData(16, 16)]
    [InlineData(17, 17)]
    public void A_tower_runs_the_next_recorded_size(int images, int size) => Assert.Equal(size, RecordedSizes.Pad([16, 1], images));

    public void Dispose()
    {
        foreach (var image in _images)
            image.Dispose();
    }

    private static PromptedRow Row(PreparedPixels image, int length) => new(image, new int[length], default);

    private static PreparedPixels Solid(byte value)
    {
        var buffer = new PooledBuffer(12);
        buffer.Span.Fill(value);
        return new PreparedPixels(2, 2, buffer, null);
    }
}
