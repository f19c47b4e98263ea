using VlWorker.Contracts;
using VlWorker.Integration.Infrastructure;

namespace VlWorker.Integration.EndToEnd;

/// <summary>A worker that idles gives memory back, and works on as before.</summary>
public sealed class IdleMemoryTests(TestBroker broker, TestStore store) : IClassFixture<TestBroker>, IClassFixture<TestStore>
{
    [Fact]
    public async Task Idle_models_give_memory_back_once_and_describe_as_before()
    {
        await store.PutAsync("good.jpg", BadImages.Jpeg);
        await using var worker = await WorkerProcess.StartAsync(
            broker.Uri, store.Owner, [store.Bucket], new Dictionary<string, string> { ["Batching:TrimAfterIdle"] = "00:00:01" });
        await using var client = await Client.ConnectAsync(broker);
        var ids = Enumerable.Range(0, 64).Select(i => $"busy-{i}").ToArray();

        foreach (var id in ids)
            await client.PublishAsync(Request(id));
        await client.AwaitAsync(ids);
        var metrics = await Eventually.GetAsync("memory is given back", () => worker.MetricsAsync(), seen => seen.Sum("vlworker_memory_trims_total") >= 1);
        await client.PublishAsync(Request("later"));
        var later = await client.AwaitAsync("later");

        Assert.True(metrics.Sum("vlworker_memory_trimmed_bytes_total") > 0, metrics.Text);
        Assert.Equal(Assert.Single(client.Answers["busy-0"]).Image!.Outputs[0].Caption!.Text, later.Image!.Outputs[0].Caption!.Text);
    }

    private DescribeImage Request(string id) => new() { Id = id, Image = new ImageReference { Bucket = store.Bucket, Key = "good.jpg" } };
}
