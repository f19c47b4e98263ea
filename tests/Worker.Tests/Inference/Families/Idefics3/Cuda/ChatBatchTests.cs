using VlWorker.Inference.Families.Idefics3.Cuda;

namespace VlWorker.Worker.Tests.Inference.Families.Idefics3.Cuda;

public sealed class ChatBatchTests
{
    [Fact]
    public void The_longest_prompts_come_first_and_each_has_the_features_of_its_own_images()
    {
        var batch = new ChatBatch([[1, ~0, 2], [3], [~1, ~0, 4, 5]], 2);
        Assert.Equal([1, 2, 0], batch.Places);
        Assert.Equal(2, batch.Features);
        Assert.Equal([(0, 2), (2, 1)], batch.Runs(8));
        Assert.Equal([(0, 1), (1, 1), (2, 1)], batch.Runs(2));
        var (ids, features) = (new long[8], new long[8]);
        batch.Write(0, 2, ids, features);
        Assert.Equal([0, 0, 4, 5, 1, 0, 2, 0], ids);
        Assert.Equal([1, 0, -1, -1, -1, 0, -1, -1], features);
    }
}
