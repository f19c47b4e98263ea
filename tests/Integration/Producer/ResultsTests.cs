using VlWorker.Contracts;
using VlWorker.Integration.Infrastructure;

namespace VlWorker.Integration.Producer;

public sealed class ResultsTests(ProducerFixture producer) : IClassFixture<ProducerFixture>, IAsyncLifetime
{
    public Task InitializeAsync() => producer.Broker.PurgeAsync(Topology.ResultsQueue);

    public Task DisposeAsync() => Task.CompletedTask;

    [Fact]
    public async Task What_is_there_is_printed_as_JSON_lines_and_taken()
    {
        await PublishAsync("1", "2", "3");

        var outcome = await producer.RunAsync("results");

        Assert.True(outcome.Code == 0, outcome.Error);
        Assert.Equal(["1", "2", "3"], Ids(outcome));
        Assert.Contains("3 shown", outcome.Error, StringComparison.Ordinal);
        await AssertLeftAsync(0);
    }

    [Fact]
    public async Task A_table_for_people()
    {
        await PublishAsync("1", "2");

        var outcome = await producer.RunAsync("results", "--format", "table");

        Assert.Equal(3, outcome.Lines.Length);
        Assert.Matches("✓ 2.jpg +a picture of 2.jpg", outcome.Lines[2]);
    }

    [Fact]
    public async Task A_count_takes_no_more()
    {
        await PublishAsync("1", "2", "3");

        Assert.Equal(["1", "2"], Ids(await producer.RunAsync("results", "--count", "2")));
        await AssertLeftAsync(1);
        Assert.Equal(["3"], Ids(await producer.RunAsync("results", "--count", "1", "--follow")));
        await AssertLeftAsync(0);
    }

    [Fact]
    public async Task Peeking_takes_nothing()
    {
        await PublishAsync("1", "2", "3");

        Assert.Equal(["1", "2", "3"], Ids(await producer.RunAsync("results", "--peek")).Order());
        await AssertLeftAsync(3);
    }

    [Fact]
    public async Task What_is_not_JSON_stays_and_the_rest_is_shown()
    {
        await PublishAsync("1");
        await producer.Broker.PublishAsync(Topology.ResultsExchange, "described.interactive.-", "not json");
        await PublishAsync("2");

        var outcome = await producer.RunAsync("results");

        Assert.Equal(["1", "2"], Ids(outcome));
        Assert.Contains("1 not readable and left in the queue", outcome.Error, StringComparison.Ordinal);
        await AssertLeftAsync(1);
    }

    [Theory]
    [InlineData("a.b")]
    [InlineData(null)]
    public async Task A_temporary_queue_sees_what_comes_and_takes_nothing_from_anybody(string? job)
    {
        await PublishAsync("before");
        string[] which = job is null ? ["--live"] : ["--job", job];
        var running = producer.RunAsync(["results", .. which, "--count", "2"]);
        await Eventually.GetAsync("a temporary queue", producer.Broker.ListBindingsAsync, all => all.Count(b => b.Source == Topology.ResultsExchange) == 2);

        // Another job with the same word in the routing key is not ours.
        if (job is not null)
            await PublishForJobAsync("other", "a_b");
        await PublishForJobAsync("1", "a.b");
        await PublishForJobAsync("2", "a.b");

        Assert.Equal(["1", "2"], Ids(await running));
        await AssertLeftAsync(job is null ? 3u : 4u);
    }

    [Fact]
    public async Task Following_ends_in_peace_with_Ctrl_C()
    {
        using var interrupt = new CancellationTokenSource();
        var running = ProducerFixture.RunAsync(producer.Broker.Uri, Stream.Null, interrupt.Token, "results", "--follow");
        await Eventually.GetAsync("a consumer", () => producer.Broker.ConsumersAsync(Topology.ResultsQueue), seen => seen == 1);
        await PublishAsync("1", "2");
        await Eventually.TrueAsync("both are taken", async () => await producer.Broker.CountAsync(Topology.ResultsQueue) == 0);
        await interrupt.CancelAsync();

        var outcome = await running;

        Assert.Equal(0, outcome.Code);
        Assert.Equal(outcome.Lines.Length, 2 - (int)await LeftAsync());
    }

    private async Task<uint> LeftAsync()
    {
        // What was taken and not acknowledged is back once its connection is gone.
        await Eventually.GetAsync("no consumers", () => producer.Broker.ConsumersAsync(Topology.ResultsQueue), seen => seen == 0);
        return await producer.Broker.CountAsync(Topology.ResultsQueue);
    }

    private Task AssertLeftAsync(uint count) => producer.Broker.WaitForCountAsync(Topology.ResultsQueue, count);

    private Task PublishAsync(params string[] ids) => PublishAllAsync(ids, null);

    private Task PublishForJobAsync(string id, string job) => PublishAllAsync([id], job);

    private async Task PublishAllAsync(string[] ids, string? job)
    {
        foreach (var id in ids)
        {
            await producer.Broker.PublishAsync(
                Topology.ResultsExchange, Topology.DescribedRoutingKey("interactive", job), ContractsJson.Write(FakeWorker.Result(id, $"{id}.jpg", job)));
        }
    }

    private static IEnumerable<string> Ids(Outcome outcome) => outcome.Lines.Select(line => Answer.Read(System.Text.Encoding.UTF8.GetBytes(line)).Id);
}
