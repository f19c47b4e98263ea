using Microsoft.Extensions.Time.Testing;
using VlWorker.Fetching;

namespace VlWorker.Worker.Tests.Fetching;

public sealed class StormWindowTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly StormWindow _storm;

    public StormWindowTests() =>
        _storm = new StormWindow(new FetchingOptions { StormWindowMs = 10_000, StormAttempts = 10, StormObjects = 3, StormShare = 0.6 }, _time);

    [Fact]
    public void One_object_that_always_fails_is_no_storm()
    {
        for (var i = 0; i < 100; i++)
            Assert.False(_storm.Failed("bucket", "poison"));
    }

    [Fact]
    public void Most_attempts_over_several_objects_are_one()
    {
        var answers = Enumerable.Range(0, 10).Select(i => _storm.Failed("bucket", $"{i % 3}")).ToArray();
        Assert.Equal([false, false, false, false, false, false, false, false, false, true], answers);
    }

    [Fact]
    public void The_same_key_in_other_buckets_counts_as_other_objects()
    {
        for (var i = 0; i < 9; i++)
            _storm.Failed($"bucket-{i}", "key");
        Assert.True(_storm.Failed("bucket-9", "key"));
    }

    [Theory]
    [InlineData(60, 40, true)]
    [InlineData(59, 41, false)]
    public void The_share_decides(int failed, int answered, bool expected)
    {
        for (var i = 0; i < answered; i++)
            _storm.Answered();
        var storm = false;
        for (var i = 0; i < failed; i++)
            storm = _storm.Failed("bucket", $"{i}");
        Assert.Equal(expected, storm);
    }

    [Fact]
    public void What_is_older_than_the_window_does_not_count()
    {
        for (var i = 0; i < 50; i++)
            _storm.Answered();
        for (var i = 0; i < 9; i++)
            Assert.False(_storm.Failed("bucket", $"{i}"));
        _time.Advance(TimeSpan.FromSeconds(11));
        for (var i = 0; i < 9; i++)
            Assert.False(_storm.Failed("bucket", $"{i}"));
        Assert.True(_storm.Failed("bucket", "9"));
    }

    [Fact]
    public void Only_the_last_attempts_are_remembered()
    {
        for (var i = 0; i < 10 * StormWindow.Capacity; i++)
            _storm.Answered();
        var failures = 0;
        while (!_storm.Failed("bucket", $"{failures}"))
            failures++;
        Assert.InRange(failures, 0.55 * StormWindow.Capacity, 0.65 * StormWindow.Capacity);
    }

    [Fact]
    public void Denials_are_a_storm_only_if_nothing_else_happens()
    {
        for (var i = 0; i < 9; i++)
            Assert.False(_storm.Denied("bucket", $"{i}"));
        Assert.True(_storm.Denied("bucket", "9"));
        _storm.Answered();
        Assert.False(_storm.Denied("bucket", "10"));
    }

    [Fact]
    public void A_storm_has_to_show_itself_anew_after_it_was_reported()
    {
        for (var i = 0; i < 20; i++)
            _storm.Failed("bucket", $"{i}");
        _storm.Clear();
        for (var i = 0; i < 9; i++)
            Assert.False(_storm.Failed("bucket", $"{i}"));
        Assert.True(_storm.Failed("bucket", "9"));
    }

    [Fact]
    public void It_is_safe_for_threads()
    {
        Parallel.For(0, 20_000, i =>
        {
            if (i % 2 == 0)
                _storm.Answered();
            else
                Assert.False(_storm.Failed("bucket", "poison"));
        });
    }
}
