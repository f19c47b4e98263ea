using VlWorker.Contracts;
using VlWorker.Integration.Infrastructure;
using VlWorker.Worker.Tests.Fixtures;

namespace VlWorker.Integration.EndToEnd;

/// <summary>A worker with three families of embedders on the real broker and store: each by its alias, and labels scored by two of them.</summary>
public sealed class EmbedderTests(EmbedderFixture bench) : IClassFixture<EmbedderFixture>
{
    private static int _last;

    [Fact]
    public async Task Labels_are_scored_best_first_as_the_model_was_trained()
    {
        var (clip, siglip) = (await ClassifyAsync("clip", ["a cat", "a dog", "ein Hund"]), await ClassifyAsync("siglip", ["a cat", "a dog", "ein Hund"]));

        Assert.Equal((ScoreFunctions.Softmax, ScoreFunctions.Sigmoid), (clip.Classification!.Function, siglip.Classification!.Function));
        Assert.Equal(1, clip.Classification.Labels.Sum(label => label.Score), 1e-6);
        foreach (var output in (Output[])[clip, siglip])
        {
            Assert.Equal(["a cat", "a dog", "ein Hund"], output.Classification!.Labels.Select(label => label.Label).Order(StringComparer.Ordinal));
            Assert.Equal(output.Classification.Labels.OrderByDescending(label => label.Score), output.Classification.Labels);
            Assert.All(output.Classification.Labels, label => Assert.InRange(label.Score, 0, 1));
            Assert.True(output is { Task: Tasks.Classify, Embedding: null, Caption: null });
        }
    }

    [Fact]
    public async Task The_same_request_gets_the_same_result_id_and_other_labels_another()
    {
        var (first, again) = (await ClassifyAsync("siglip", ["a", "b"]), await ClassifyAsync("siglip", ["a", "b"]));
        var other = await ClassifyAsync("siglip", ["a", "c"]);

        Assert.Equal(first.ResultId, again.ResultId);
        Assert.Equal(first.Classification!.Labels, again.Classification!.Labels);
        Assert.NotEqual(first.ResultId, other.ResultId);
    }

    [Fact]
    public async Task Each_family_embeds_by_its_alias()
    {
        foreach (var (alias, size) in new[] { ("clip", 32), ("siglip", 48), ("dino", 48) })
        {
            var answer = await AskAsync(Request([Tasks.Embedding], alias));
            Assert.Equal((alias, size), (answer.Image!.Outputs[0].Model.Alias, answer.Image.Outputs[0].Embedding!.Dimensions));
        }
    }

    [Theory]
    [InlineData("dino", RejectionReason.UnsupportedTask)]
    [InlineData("nobody", RejectionReason.UnknownModel)]
    public async Task Who_can_not_tell_labels_apart_says_so(string alias, string reason)
    {
        var answer = await AskAsync(Request([Tasks.Classify], alias) with { Labels = ["a", "b"] });
        Assert.Equal(reason, answer.Rejection!.Reason);
    }

    [Fact]
    public async Task Ten_thousand_labels_are_a_bad_request()
    {
        var answer = await AskAsync(Request([Tasks.Classify], "clip") with { Labels = [.. Enumerable.Range(0, 10_000).Select(i => $"label {i}")] });
        Assert.Equal(RejectionReason.BadRequest, answer.Rejection!.Reason);
        Assert.Contains("labels has more than 1,024 entries", answer.Rejection.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Tasks.Answer, RejectionReason.UnsupportedTask)]
    [InlineData(Tasks.Detect, RejectionReason.UnsupportedTask)]
    public async Task Tasks_that_no_model_here_can_do_are_rejected(string task, string reason)
    {
        var answer = await AskAsync(Request([task], "clip") with { Prompt = "what is it?" });
        Assert.Equal(reason, answer.Rejection!.Reason);
    }

    private async Task<Output> ClassifyAsync(string alias, string[] labels)
    {
        var answer = await AskAsync(Request([Tasks.Classify], alias) with { Labels = labels, LabelTemplate = "a photo of {}" });
        return Assert.Single(Assert.IsType<ImageDescribed>(answer.Image).Outputs);
    }

    private DescribeImage Request(string[] tasks, string alias) => new()
    {
        Id = $"e-{Interlocked.Increment(ref _last)}",
        Image = new ImageReference { Bucket = bench.Store.Bucket, Key = "good.jpg" },
        Tasks = tasks,
        Models = tasks.ToDictionary(task => task, _ => alias),
    };

    private async Task<Answer> AskAsync(DescribeImage request)
    {
        await bench.Client.PublishAsync(request);
        return await bench.Client.AwaitAsync(request.Id!);
    }
}

/// <summary>One worker with the tiny embedders.</summary>
public sealed class EmbedderFixture : IAsyncLifetime
{
    private readonly string _cache = Directory.CreateTempSubdirectory("vlworker-cache-").FullName;

    public TestBroker Broker { get; } = new();

    public TestStore Store { get; } = new();

    public WorkerProcess Worker { get; private set; } = null!;

    public Client Client { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        await Broker.InitializeAsync();
        await Store.InitializeAsync();
        await Store.PutAsync("good.jpg", BadImages.Jpeg);
        Worker = await WorkerProcess.StartAsync(Broker.Uri, Store.Owner, [Store.Bucket], new Dictionary<string, string>
        {
            ["Inference:Models:0:Alias"] = "clip",
            ["Inference:Models:0:Folder"] = FixtureArchive.Extract("clip-tiny"),
            ["Inference:Models:1:Alias"] = "siglip",
            ["Inference:Models:1:Folder"] = FixtureArchive.Extract("siglip"),
            ["Inference:Models:2:Alias"] = "dino",
            ["Inference:Models:2:Folder"] = FixtureArchive.Extract("dinov2"),
            ["Inference:ModelCache"] = _cache,
            ["Consuming:UnknownModelAttempts"] = "1",
        });
        Client = await Client.ConnectAsync(Broker);
    }

    public async Task DisposeAsync()
    {
        await Client.DisposeAsync();
        await Worker.DisposeAsync();
        await Store.DisposeAsync();
        await Broker.DisposeAsync();
        Directory.Delete(_cache, recursive: true);
    }
}
