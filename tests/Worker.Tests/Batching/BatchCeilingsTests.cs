using Microsoft.Extensions.Time.Testing;
using VlWorker.Batching;
using VlWorker.Inference;

namespace VlWorker.Worker.Tests.Batching;

public sealed class BatchCeilingsTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);
    private static readonly BatchKey Key = new("a", InputKind.Image, 1, 0);

    private readonly FakeTimeProvider _time = new();
    private readonly BatchCeilings _ceilings;

    public BatchCeilingsTests() => _ceilings = new BatchCeilings(64, Patience, _time);

    [Fact]
    public void What_did_not_fit_is_halved_for_its_bucket_alone()
    {
        _ceilings.Exceeded(Key, 48);

        Assert.Equal(24, _ceilings.For(Key));
        Assert.Equal(64, _ceilings.For(Key with { Beams = 4 }));
        Assert.Equal((24, 64), (_ceilings.Lowest("a"), _ceilings.Lowest("b")));
    }

    [Fact]
    public void It_never_falls_below_one_and_never_rises_by_a_failure()
    {
        _ceilings.Exceeded(Key, 4);
        _ceilings.Exceeded(Key, 64);
        Assert.Equal(2, _ceilings.For(Key));

        _ceilings.Exceeded(Key, 1);

        Assert.Equal(1, _ceilings.For(Key));
    }

    [Fact]
    public void It_doubles_once_a_batch_of_its_size_fits_after_the_time_of_patience()
    {
        _ceilings.Exceeded(Key, 32);
        _ceilings.Fitted(Key, 16);
        Assert.Equal(16, _ceilings.For(Key));
        _time.Advance(Patience);
        _ceilings.Fitted(Key, 15);
        Assert.Equal(16, _ceilings.For(Key));

        _ceilings.Fitted(Key, 16);

        Assert.Equal(32, _ceilings.For(Key));
        _ceilings.Fitted(Key, 32);
        Assert.Equal(32, _ceilings.For(Key));
        _time.Advance(Patience);
        _ceilings.Fitted(Key, 32);
        Assert.Equal(64, _ceilings.For(Key));
    }

    [Fact]
    public void A_limit_that_stays_is_tried_ever_more_rarely()
    {
        _ceilings.Exceeded(Key, 32);
        var tries = 0;
        for (var minute = 0; minute < 24 * 60; minute++)
        {
            _time.Advance(TimeSpan.FromMinutes(1));
            _ceilings.Fitted(Key, 16);
            if (_ceilings.For(Key) == 16)
                continue;
            tries++;
            _ceilings.Exceeded(Key, 32);
            Assert.Equal(16, _ceilings.For(Key));
        }

        // After 10, 20, 40, 80 and 160 minutes, then every 160: not the 143 that a fixed interval would make.
        Assert.InRange(tries, 10, 12);
    }

    [Fact]
    public void The_halves_of_one_failure_are_one_failure()
    {
        _ceilings.Exceeded(Key, 64);
        _ceilings.Exceeded(Key, 32);
        _ceilings.Exceeded(Key, 16);
        Assert.Equal(8, _ceilings.For(Key));

        _time.Advance(Patience);
        _ceilings.Fitted(Key, 8);

        Assert.Equal(16, _ceilings.For(Key));
    }
}
