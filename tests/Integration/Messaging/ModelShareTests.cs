using VlWorker.Contracts;
using VlWorker.Inference.OnDemand;
using VlWorker.Integration.EndToEnd;
using VlWorker.Integration.Infrastructure;
using VlWorker.Publishing;

namespace VlWorker.Integration.Messaging;

/// <summary>A model of which only so many requests may be in hand: further ones wait on the broker, and are no failures.</summary>
public sealed class ModelShareTests(TestBroker broker) : IClassFixture<TestBroker>
{
    private const string Alias = "echo";

    [Fact]
    public async Task Messages_above_a_models_share_wait_on_the_broker_with_no_attempt_counted()
    {
        using var go = new ManualResetEventSlim();
        using var share = new ModelShare(Alias, 1);
        await using var worker = new TestWorker(
            new BrokerOptions { Uri = broker.Uri.ToString() },
            // Whatever counted as an attempt would be the last, and end among the dead letters.
            TestWorker.Quick with { MaxAttempts = 1 },
            shares: new Dictionary<string, ModelShare> { [Alias] = share });
        worker.Model.Always = () => go.Wait(Eventually.DefaultTimeout);
        await worker.StartAsync();
        await using var client = await Client.ConnectAsync(broker);
        string[] ids = ["first", "second", "third"];
        foreach (var id in ids)
            await client.PublishAsync($$"""{"id":"{{id}}","image":{"bucket":"photos","key":"a.png"},"tasks":["caption"]}""");

        await broker.WaitForCountAsync(Topology.WaitQueues[0].Name, 2);
        Assert.Empty(client.Answers);
        go.Set();
        await client.AwaitAsync(ids);

        Assert.All(ids, id => Assert.NotNull(Assert.Single(client.Answers[id]).Image));
        Assert.Equal(0u, await broker.CountAsync(Topology.DeadLettersQueue));
    }
}
