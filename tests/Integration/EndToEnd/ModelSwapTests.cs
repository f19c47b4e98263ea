using System.Globalization;
using System.Text.RegularExpressions;
using VlWorker.Contracts;
using VlWorker.Integration.Infrastructure;

namespace VlWorker.Integration.EndToEnd;

/// <summary>Two models that don't fit into memory together, under messages for both: all are answered, once each, while the models come and go.</summary>
public sealed partial class ModelSwapTests(TestBroker broker, TestStore store) : IClassFixture<TestBroker>, IClassFixture<TestStore>
{
    private const int Messages = 240;

    private static readonly Dictionary<string, string> OnDemand = new()
    {
        ["Inference:Models:0:Alias"] = "demo-captioner",
        ["Inference:Models:0:Folder"] = "models/demo-captioner",
        ["Inference:Models:0:Load"] = "OnDemand",
        ["Inference:Models:1:Alias"] = "demo-clip",
        ["Inference:Models:1:Folder"] = "models/demo-clip",
        ["Inference:Models:1:Load"] = "OnDemand",
        ["Inference:ModelTurn"] = "00:00:00.250",
        ["Inference:ModelIdle"] = "00:00:01",
        ["Consuming:UnknownModelAttempts"] = "1",
        // What a model takes is then measured alike at each start.
        ["Batching:MaxBatch"] = "1",
    };

    [Fact]
    public async Task No_message_is_lost_while_models_swap_and_idle_ones_leave_nothing_behind()
    {
        await store.PutAsync("good.jpg", BadImages.Jpeg);
        var room = await MeasureAsync();
        await using var worker = await WorkerProcess.StartAsync(
            broker.Uri, store.Owner, [store.Bucket], new(OnDemand) { ["Inference:ModelMemoryBytes"] = room.ToString(CultureInfo.InvariantCulture) });
        await using var client = await Client.ConnectAsync(broker);

        var ids = Enumerable.Range(0, Messages).Select(i => $"swap-{i}").ToArray();
        for (var i = 0; i < Messages; i++)
            await client.PublishAsync(Request(ids[i], i), i % 2 == 0 ? Topology.InteractiveRoutingKey : Topology.BackfillRoutingKey);
        await client.AwaitAsync(ids);

        Assert.All(ids, id => Assert.NotNull(Assert.Single(client.Answers[id]).Image));
        // One image, three tasks: whichever load answered, it said the same, under the same id.
        var outputs = ids.SelectMany(id => client.Answers[id].Single().Image!.Outputs).ToArray();
        Assert.Equal(2, outputs.Select(output => output.ResultId).Distinct().Count());
        Assert.Single(outputs.Select(output => output.Caption?.Text).OfType<string>().Distinct());
        Assert.Equal(0u, await broker.CountAsync(Topology.DeadLettersQueue));
        var metrics = await worker.MetricsAsync();
        foreach (var model in (string[])["demo-captioner", "demo-clip"])
            Assert.True(metrics.Sum("vlworker_model_loads_total", ("model", model)) >= 2, metrics.Text);
        Assert.Equal(0, metrics.Sum("vlworker_messages_total", ("outcome", "retried")));

        await Eventually.GetAsync("idle models to go", () => worker.MetricsAsync(), seen => seen.Sum("vlworker_model_loaded") == 0);
        Assert.Contains("model demo-clip, on demand: unloaded", (await worker.ReadinessAsync()).Text, StringComparison.Ordinal);
        // Nothing else goes on any more: what the process holds less is what the model has given back, its weights at least.
        var last = Unloaded().Matches(worker.Log).Last(match => match.Groups["model"].Value == "demo-captioner");
        Assert.True(Megabytes(last, "before") - Megabytes(last, "after") >= 5, last.Value);
        await RefusedAsync(client, """"models":{"caption":"nobody"}"""", RejectionReason.UnknownModel);
        await RefusedAsync(client, """"models":{"caption":"demo-clip"}"""", RejectionReason.UnsupportedTask);
        Assert.Equal(0, (await worker.MetricsAsync()).Sum("vlworker_model_loaded"));
    }

    /// <summary>Room for either, and not for both.</summary>
    private async Task<long> MeasureAsync()
    {
        await using var worker = await WorkerProcess.StartAsync(broker.Uri, store.Owner, [store.Bucket], new(OnDemand) { ["Inference:ModelIdle"] = "00:00:00" });
        await using var client = await Client.ConnectAsync(broker);
        await client.PublishAsync(Request("first", 2));
        await client.AwaitAsync("first");
        var metrics = await worker.MetricsAsync();
        var bytes = new[] { "demo-captioner", "demo-clip" }.Select(model => metrics.Sum("vlworker_model_bytes", ("model", model))).ToArray();
        Assert.All(bytes, one => Assert.True(one > 1_000_000, metrics.Text));
        await worker.StopAsync();
        return (long)(bytes.Max() + (bytes.Min() / 2));
    }

    private static double Megabytes(Match match, string name) => double.Parse(match.Groups[name].Value, CultureInfo.InvariantCulture);

    [GeneratedRegex("Model (?<model>[a-z-]+) was unloaded \\([a-z]+\\): resident memory went from (?<before>[0-9]+) to (?<after>[0-9]+) MB", RegexOptions.ExplicitCapture)]
    private static partial Regex Unloaded();

    private async Task RefusedAsync(Client client, string models, string reason)
    {
        var id = $"refused-{reason}";
        await client.PublishAsync($$"""{"id":"{{id}}","image":{"bucket":"{{store.Bucket}}","key":"good.jpg"},"tasks":["caption"],{{models}}}""");
        Assert.Equal(reason, (await client.AwaitAsync(id)).Rejection!.Reason);
    }

    /// <summary>Captions, embeddings, and both in one message, in turn.</summary>
    private DescribeImage Request(string id, int i) => new()
    {
        Id = id,
        Image = new ImageReference { Bucket = store.Bucket, Key = "good.jpg" },
        Tasks = (i % 3) switch { 0 => [Tasks.Caption], 1 => [Tasks.Embedding], _ => [Tasks.Caption, Tasks.Embedding] },
    };
}
