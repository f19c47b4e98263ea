using VlWorker.Buffers;

namespace VlWorker.Worker.Tests.Buffers;

public sealed class MemoryBudgetTests
{
    [Fact]
    public async Task Grants_up_to_its_capacity_then_in_order_of_arrival()
    {
        var budget = new MemoryBudget(100);
        var first = await budget.AcquireAsync(60, default);
        var second = budget.AcquireAsync(50, default).AsTask();
        var third = budget.AcquireAsync(10, default).AsTask();
        Assert.False(second.IsCompleted);
        Assert.False(third.IsCompleted, "a small request must not overtake a large one for ever");
        first.Dispose();
        (await second).Dispose();
        (await third).Dispose();
        Assert.Equal(0, budget.Used);
    }

    [Fact]
    public async Task A_request_above_the_capacity_is_granted_alone()
    {
        var budget = new MemoryBudget(100);
        var small = await budget.AcquireAsync(1, default);
        var huge = budget.AcquireAsync(1000, default).AsTask();
        Assert.False(huge.IsCompleted);
        small.Dispose();
        using var lease = await huge;
        Assert.Equal(100, budget.Used);
    }

    [Fact]
    public async Task Shrinking_lets_the_next_one_in_and_disposing_twice_gives_back_once()
    {
        var budget = new MemoryBudget(100);
        var first = await budget.AcquireAsync(100, default);
        var second = budget.AcquireAsync(70, default).AsTask();
        first.Shrink(30);
        using var lease = await second;
        Assert.Equal(100, budget.Used);
        first.Dispose();
        first.Dispose();
        Assert.Equal(70, budget.Used);
    }

    [Fact]
    public async Task A_cancelled_wait_leaves_the_queue_and_lets_others_pass()
    {
        var budget = new MemoryBudget(100);
        using var first = await budget.AcquireAsync(50, default);
        using var cancellation = new CancellationTokenSource();
        var cancelled = budget.AcquireAsync(80, cancellation.Token).AsTask();
        var next = budget.AcquireAsync(40, default).AsTask();
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled);
        (await next.WaitAsync(TimeSpan.FromMinutes(1))).Dispose();
        Assert.Equal(50, budget.Used);
    }

    [Fact]
    public async Task Many_owners_in_parallel_never_exceed_the_capacity()
    {
        var budget = new MemoryBudget(1000);
        long peak = 0;
        await Parallel.ForEachAsync(Enumerable.Range(0, 2000), new ParallelOptions { MaxDegreeOfParallelism = 32 }, async (i, cancellation) =>
        {
            using var lease = await budget.AcquireAsync(1 + (i % 400), cancellation);
            InterlockedMax(ref peak, budget.Used);
            await Task.Yield();
            lease.Shrink(i % 7);
        });
        Assert.Equal(0, budget.Used);
        Assert.InRange(peak, 1, 1000);
    }

    private static void InterlockedMax(ref long target, long value)
    {
        long seen;
        while (value > (seen = Volatile.Read(ref target)) && Interlocked.CompareExchange(ref target, value, seen) != seen)
        {
        }
    }
}
