using VlWorker.Journal;

namespace VlWorker.Worker.Tests.Journal;

public sealed class SoloGateTests
{
    private readonly SoloGate _gate = new();

    [Fact]
    public async Task Who_works_alone_waits_for_the_others_and_keeps_those_that_come_later_out()
    {
        await Crowd();
        await Crowd();
        var solo = Solo();
        var later = Crowd();
        Assert.False(solo.IsCompleted || later.IsCompleted);

        _gate.Leave(solo: false);
        Assert.False(solo.IsCompleted);
        _gate.Leave(solo: false);
        await solo.WaitAsync(TimeSpan.FromMinutes(1));
        Assert.False(later.IsCompleted);

        _gate.Leave(solo: true);
        await later.WaitAsync(TimeSpan.FromMinutes(1));
    }

    [Fact]
    public async Task Of_several_the_one_with_fewest_deaths_goes_first()
    {
        await Solo();
        var (worst, second, third) = (Solo(deaths: 1), Solo(), Solo());

        foreach (var next in (Task[])[second, third, worst])
        {
            _gate.Leave(solo: true);
            await next.WaitAsync(TimeSpan.FromMinutes(1));
        }

        Assert.False(Solo().IsCompleted);
    }

    [Fact]
    public async Task Who_gives_up_holds_nobody_up()
    {
        using var leaving = new CancellationTokenSource();
        await Crowd();
        var solo = _gate.EnterAsync(solo: true, 0, leaving.Token);
        var later = Crowd();

        await leaving.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => solo);
        await later.WaitAsync(TimeSpan.FromMinutes(1));
        _gate.Leave(solo: false);
        _gate.Leave(solo: false);
        await Solo().WaitAsync(TimeSpan.FromMinutes(1));
    }

    [Fact]
    public async Task Whatever_the_order_nobody_is_beside_one_who_is_alone()
    {
        var (sharing, alone, worst) = (0, 0, 0);
        async Task WorkAsync(int i)
        {
            var solo = i % 7 == 0;
            await _gate.EnterAsync(solo, i % 3, CancellationToken.None);
            var company = solo ? Interlocked.Increment(ref alone) - 1 + Volatile.Read(ref sharing) : Volatile.Read(ref alone);
            if (!solo)
                Interlocked.Increment(ref sharing);
            await Task.Yield();
            company += solo ? Volatile.Read(ref sharing) : Volatile.Read(ref alone);
            Interlocked.Add(ref worst, company);
            if (solo)
                Interlocked.Decrement(ref alone);
            else
                Interlocked.Decrement(ref sharing);
            _gate.Leave(solo);
        }

        await Task.WhenAll(Enumerable.Range(0, 5000).Select(i => Task.Run(() => WorkAsync(i)))).WaitAsync(TimeSpan.FromSeconds(60));

        Assert.Equal(0, worst);
    }

    private Task Crowd() => _gate.EnterAsync(solo: false, 0, CancellationToken.None);

    private Task Solo(int deaths = 0) => _gate.EnterAsync(solo: true, deaths, CancellationToken.None);
}
