using VlWorker.Decoding;

namespace VlWorker.Worker.Tests.Decoding;

public sealed class DecoderSlotsTests
{
    private readonly DecoderSlots _slots = new(1);
    private readonly List<string> _order = [];

    [Fact]
    public async Task So_many_get_in_at_a_time_and_the_next_when_one_leaves()
    {
        var slots = new DecoderSlots(2);
        await slots.AcquireAsync(false, default);
        await slots.AcquireAsync(true, default);
        var third = slots.AcquireAsync(true, default);
        Assert.False(third.IsCompleted);

        slots.Release();

        await third.WaitAsync(TimeSpan.FromMinutes(1));
    }

    [Fact]
    public async Task The_urgent_go_first_and_every_fourth_slot_is_for_the_others()
    {
        await _slots.AcquireAsync(false, default);
        var waiting = new List<Task>();
        for (var i = 0; i < 3; i++)
            waiting.Add(NoteAsync($"other {i}", false));
        for (var i = 0; i < 7; i++)
            waiting.Add(NoteAsync($"urgent {i}", true));

        _slots.Release();
        await Task.WhenAll(waiting).WaitAsync(TimeSpan.FromMinutes(1));

        Assert.Equal(
            ["urgent 0", "urgent 1", "urgent 2", "other 0", "urgent 3", "urgent 4", "urgent 5", "other 1", "urgent 6", "other 2"], _order);
    }

    [Fact]
    public async Task Who_leaves_the_queue_takes_no_slot_along()
    {
        await _slots.AcquireAsync(false, default);
        using var cancelled = new CancellationTokenSource();
        var leaving = _slots.AcquireAsync(true, cancelled.Token);
        var staying = _slots.AcquireAsync(false, default);
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => leaving);

        _slots.Release();

        await staying.WaitAsync(TimeSpan.FromMinutes(1));
    }

    [Fact]
    public async Task Who_has_left_before_does_not_even_ask()
    {
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _slots.AcquireAsync(true, new CancellationToken(true)));

        await _slots.AcquireAsync(false, default).WaitAsync(TimeSpan.FromMinutes(1));
    }

    private async Task NoteAsync(string name, bool urgent)
    {
        await _slots.AcquireAsync(urgent, default);
        lock (_order)
            _order.Add(name);
        _slots.Release();
    }
}
