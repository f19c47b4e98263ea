using VlWorker.ModelKit.Pruning;

namespace VlWorker.ModelKit.Tests.Pruning;

public sealed class RankingTests
{
    [Fact]
    public void Each_block_loses_its_weakest()
    {
        var kept = Ranking.Keep([[5, 1, 3, 4], [10, 40, 30, 20]], 0.5, global: false);

        Assert.Equal([0, 3], kept[0]);
        Assert.Equal([1, 2], kept[1]);
    }

    [Fact]
    public void Over_the_tower_a_block_of_small_weights_is_not_a_weak_block()
    {
        // The second block is the first one, ten times as large, but for one that is weak there.
        var kept = Ranking.Keep([[1, 1, 1, 1], [10, 10, 10, 0.1]], 0.125, global: true);

        Assert.Equal([0, 1, 2, 3], kept[0]);
        Assert.Equal([0, 1, 2], kept[1]);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void One_stays_in_each_block(bool global)
    {
        var kept = Ranking.Keep([[1, 2], [3, 4], [5]], 0.99, global);

        Assert.All(kept, groups => Assert.NotEmpty(groups));
        Assert.Equal([1], kept[0]);
    }

    [Theory]
    [InlineData(0.3, 10, 7)]
    [InlineData(0.1, 9, 9)]
    [InlineData(0, 4, 4)]
    public void The_share_is_rounded_down(double share, int count, int left) =>
        Assert.Equal(left, Ranking.Keep([[.. Enumerable.Range(1, count).Select(i => (double)i)]], share, global: false)[0].Count);
}
