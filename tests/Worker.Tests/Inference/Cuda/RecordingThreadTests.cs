using VlWorker.Inference.Cuda;

namespace VlWorker.Worker.Tests.Inference.Cuda;

/// <summary>The one thread of a GPU that never ends.</summary>
public sealed class RecordingThreadTests
{
    [Fact]
    public async Task Everything_for_a_GPU_runs_on_one_thread_whoever_asks()
    {
        var threads = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => Task.Factory.StartNew(
            () => RecordingThread.Of(7).Run(() => Environment.CurrentManagedThreadId),
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)));

        Assert.Single(threads.Distinct());
        Assert.NotEqual(threads[0], RecordingThread.Of(8).Run(() => Environment.CurrentManagedThreadId));
        Assert.True(RecordingThread.Of(7).Run(() => Thread.CurrentThread.IsBackground));
    }

    [Fact]
    public void What_it_runs_may_ask_it_again_and_may_fail()
    {
        var thread = RecordingThread.Of(7);
        Assert.Equal(1, thread.Run(() => thread.Run(() => 1)));

        Assert.Equal("as it was thrown", Assert.Throws<InvalidDataException>(() => thread.Run(() => throw new InvalidDataException("as it was thrown"))).Message);
        Assert.Equal(2, thread.Run(() => 2));
    }
}
