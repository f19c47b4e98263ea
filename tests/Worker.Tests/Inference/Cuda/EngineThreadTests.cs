using VlWorker.Inference.Cuda;

namespace VlWorker.Worker.Tests.Inference.Cuda;

/// <summary>The thread of a stream that lives as long as what it records.</summary>
public sealed class EngineThreadTests
{
    [Fact]
    public async Task Everything_runs_on_one_thread_whoever_asks()
    {
        var first = 0;
        using var thread = new EngineThread(() => first = Environment.CurrentManagedThreadId, "engine-cuda:7");
        var threads = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => Task.Factory.StartNew(
            () => thread.Run(() => Environment.CurrentManagedThreadId), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)));

        Assert.All(threads, id => Assert.Equal(first, id));
        Assert.True(thread.Run(() => Thread.CurrentThread is { IsBackground: true, Name: "engine-cuda:7" }));
    }

    [Fact]
    public void What_it_runs_may_ask_it_again_and_may_fail()
    {
        using var thread = new EngineThread(() => { }, "engine");
        Assert.Equal(1, thread.Run(() => thread.Run(() => 1)));

        Assert.Equal("as it was thrown", Assert.Throws<InvalidDataException>(() => thread.Run(() => throw new InvalidDataException("as it was thrown"))).Message);
        Assert.Equal(2, thread.Run(() => 2));

        // A batch that is cancelled on it is cancelled for who asked, by the same token.
        var token = new CancellationToken(true);
        Assert.Equal(token, Assert.Throws<OperationCanceledException>(() => thread.Run(token.ThrowIfCancellationRequested)).CancellationToken);
    }

    [Fact]
    public void It_has_ended_once_it_is_disposed_of_and_does_not_stay_when_its_first_act_fails()
    {
        Thread? seen = null;
        new EngineThread(() => seen = Thread.CurrentThread, "engine").Dispose();
        Assert.False(seen!.IsAlive);

        Assert.Throws<InvalidDataException>(() => new EngineThread(
            () =>
            {
                seen = Thread.CurrentThread;
                throw new InvalidDataException("no context");
            },
            "engine"));
        Assert.False(seen.IsAlive);
    }
}
