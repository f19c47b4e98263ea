using VlWorker.Integration.Faults;
using VlWorker.Integration.Infrastructure;

namespace VlWorker.Integration.EndToEnd;

/// <summary>One worker on a real broker and a real store, with a proxy before the store, and good and bad objects in the bucket.</summary>
public sealed class BadInputFixture : IAsyncLifetime
{
    /// <summary>Size of the object that is too large for the worker.</summary>
    public const int LargeObject = 200 * 1024 * 1024;

    public TestBroker Broker { get; } = new();

    public TestStore Store { get; } = new();

    public FaultProxy Proxy { get; private set; } = null!;

    public WorkerProcess Worker { get; private set; } = null!;

    public Client Client { get; private set; } = null!;

    /// <summary>A bucket that the worker may read by its settings, and that does not exist.</summary>
    public string MissingBucket { get; } = $"missing-{Guid.NewGuid():N}";

    public async Task InitializeAsync()
    {
        await Broker.InitializeAsync();
        await Store.InitializeAsync();
        await FillAsync();
        await Store.LetOtherReadAsync(null, "denied.jpg");
        Proxy = FaultProxy.Start(Store.Owner.Endpoint);
        var endpoint = new UriBuilder(Store.Owner.Endpoint) { Host = "127.0.0.1", Port = Proxy.Port }.Uri;
        Worker = await WorkerProcess.StartAsync(Broker.Uri, Store.Other with { Endpoint = endpoint }, [Store.Bucket, MissingBucket], new Dictionary<string, string>
        {
            // A failure of its own becomes a dead letter at once: that messages wait in between is tested elsewhere.
            ["Consuming:MaxAttempts"] = "1",
            ["Consuming:UnknownModelAttempts"] = "1",
            ["Fetching:StallTimeoutMs"] = "500",
            ["Fetching:RetryForMs"] = "1000",
        });
        Client = await Client.ConnectAsync(Broker);
    }

    public async Task DisposeAsync()
    {
        await Client.DisposeAsync();
        await Worker.DisposeAsync();
        await Proxy.DisposeAsync();
        await Store.DisposeAsync();
        await Broker.DisposeAsync();
    }

    private async Task FillAsync()
    {
        var jpeg = BadImages.Jpeg;
        foreach (var key in (string[])["good.jpg", "denied.jpg", "stall.jpg", "cut.jpg"])
            await Store.PutAsync(key, jpeg);
        await Store.PutAsync("empty.jpg", Array.Empty<byte>());
        await Store.PutAsync("truncated.jpg", jpeg.AsMemory(0, jpeg.Length / 2));
        await Store.PutAsync("text.jpg", "This is no image, whatever its name says."u8.ToArray());
        await Store.PutAsync("bomb.jpg", BadImages.JpegOf(64250, 64250));
        await Store.PutAsync("bomb.png", BadImages.PngOf(1, 500_000_000));
        await Store.PutAsync("large.jpg", new byte[LargeObject]);
    }
}
