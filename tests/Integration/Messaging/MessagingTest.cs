namespace VlWorker.Integration.Messaging;

/// <summary>A worker and its broker for each test. Whatever a test did: every buffer was given back in the end.</summary>
public abstract class MessagingTest : IAsyncLifetime
{
    private MessagingBench? _bench;

    private protected MessagingBench Bench => _bench!;

    public async Task InitializeAsync() => _bench = await StartAsync();

    public async Task DisposeAsync()
    {
        await Bench.Worker.StopAsync();
        var held = Bench.Worker.BytesHeld;
        await Bench.DisposeAsync();
        Assert.Equal(0, held);
    }

    private protected abstract Task<MessagingBench> StartAsync();
}
