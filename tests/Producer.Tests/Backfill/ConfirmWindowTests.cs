using VlWorker.Producer.Backfill;
using VlWorker.Producer.Jobs;

namespace VlWorker.Producer.Tests.Backfill;

public sealed class ConfirmWindowTests
{
    private readonly ConfirmWindow _window = new(4);

    [Fact]
    public void Only_what_is_confirmed_without_a_gap_is_recorded()
    {
        Send(10, 11, 12, 13);
        Assert.True(_window.IsFull);

        _window.Confirm(3, multiple: false);
        Assert.Equal((0L, 0L), _window.Confirmed());
        _window.Confirm(1, multiple: false);
        Assert.Equal((1L, 10L), _window.Confirmed());
        Assert.True(_window.IsFull);
        _window.Release(1);
        Assert.False(_window.IsFull);
        Send(14);
        _window.Confirm(5, multiple: true);
        Assert.Equal((4L, 14L), _window.Confirmed());
        _window.Release(4);
        Assert.True(_window.IsEmpty);
    }

    [Fact]
    public void What_was_refused_is_sent_again_and_holds_back_what_follows()
    {
        Send(10, 11);
        _window.Refuse(1, multiple: false);
        _window.Confirm(2, multiple: false);

        Assert.Equal((0L, 0L), _window.Confirmed());
        Assert.Equal(10, _window.TakeRefused()!.Id);
        Assert.Null(_window.TakeRefused());
        _window.Confirm(3, multiple: true);

        Assert.Equal((2L, 11L), _window.Confirmed());
    }

    [Fact]
    public void After_a_failure_nothing_more_counts_as_confirmed()
    {
        Send(10, 11);
        _window.Confirm(1, multiple: false);
        _window.Fail(new ProducerException(ExitCode.Topology, "it came back"));
        _window.Confirm(2, multiple: false);

        Assert.Equal(ExitCode.Topology, Assert.Throws<ProducerException>(() => _window.Confirmed()).ExitCode);
        Assert.Equal((1L, 10L), _window.Confirmed(evenAfterFailure: true));
    }

    private void Send(params long[] ids)
    {
        foreach (var id in ids)
            _window.Begin(new JobItem(id, "b", "k", null, null));
    }
}
