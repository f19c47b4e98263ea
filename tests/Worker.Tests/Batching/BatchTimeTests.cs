using VlWorker.Batching;

namespace VlWorker.Worker.Tests.Batching;

public sealed class BatchTimeTests
{
    private readonly BatchTime _time = new();

    [Fact]
    public void Nothing_is_known_before_the_first_batch()
    {
        Assert.Null(_time.AtLeast(1));
        Assert.Null(_time.AtMost(1));
    }

    [Fact]
    public void Two_sizes_tell_the_fixed_part_from_the_part_of_each_row()
    {
        Observe(1, 8, 32, 4);

        Assert.Equal(10 + (0.5 * 256), Milliseconds(_time.AtMost(256)), 6);
        Assert.Equal(_time.AtMost(256), _time.AtLeast(256));
        Assert.Equal(10.5, Milliseconds(_time.AtLeast(1)), 6);
    }

    [Fact]
    public void One_size_leaves_bounds_for_the_others()
    {
        Observe(8, 8, 8);

        Assert.Equal((14, 14), (Milliseconds(_time.AtLeast(8)), Milliseconds(_time.AtMost(8))));
        Assert.Equal((14, 28), (Milliseconds(_time.AtLeast(16)), Milliseconds(_time.AtMost(16))));
        Assert.Equal((7, 14), (Milliseconds(_time.AtLeast(4)), Milliseconds(_time.AtMost(4))));
    }

    [Fact]
    public void The_first_batch_counts_only_until_there_is_a_second()
    {
        _time.Observe(1, TimeSpan.FromSeconds(5));
        Assert.Equal(5000, Milliseconds(_time.AtMost(1)));

        _time.Observe(1, TimeSpan.FromMilliseconds(10));

        Assert.Equal(10, Milliseconds(_time.AtMost(1)));
    }

    [Fact]
    public void A_device_that_becomes_slower_is_believed_after_some_batches()
    {
        Observe(1, 16, 64, 1, 16, 64);
        for (var i = 0; i < 30; i++)
            _time.Observe(1 + (i % 3 * 30), TimeSpan.FromMilliseconds(2 * (10 + (0.5 * (1 + (i % 3 * 30))))));

        Assert.InRange(Milliseconds(_time.AtMost(64)), 80, 86);
        Assert.InRange(Milliseconds(_time.AtMost(1)), 18, 23);
    }

    [Fact]
    public void What_was_learned_of_other_sizes_stays_while_only_one_is_seen()
    {
        Observe(1, 16, 64);
        Observe([.. Enumerable.Repeat(64, 200)]);

        Assert.Equal(10.5, Milliseconds(_time.AtMost(1)), 6);
        Assert.Equal(10.5, Milliseconds(_time.AtLeast(1)), 6);
    }

    [Fact]
    public void What_small_batches_say_of_the_fixed_part_is_not_drowned_by_the_noise_of_large_ones()
    {
        var random = new Random(7);
        for (var i = 0; i < 200; i++)
        {
            var rows = i % 2 == 0 ? random.Next(1, 4) : random.Next(32, 64);
            _time.Observe(rows, TimeSpan.FromMilliseconds((5 + (5 * rows)) * (0.95 + (random.NextDouble() / 10))));
            if (i > 10)
                Assert.InRange(_time.Cost!.Value.Fixed * 1000, 3.5, 6.5);
        }
    }

    [Fact]
    public void Noise_never_makes_a_prediction_negative_or_falling()
    {
        var random = new Random(7);
        for (var i = 0; i < 500; i++)
        {
            _time.Observe(random.Next(1, 40), TimeSpan.FromMilliseconds(random.NextDouble() * 50));

            Assert.True(_time.AtLeast(1) > 0);
            Assert.True(_time.AtMost(200) >= _time.AtMost(1));
        }
    }

    private void Observe(params int[] sizes)
    {
        foreach (var rows in sizes)
            _time.Observe(rows, TimeSpan.FromMilliseconds(10 + (0.5 * rows)));
    }

    private static double Milliseconds(double? seconds) => Math.Round(seconds!.Value * 1000, 6);
}
