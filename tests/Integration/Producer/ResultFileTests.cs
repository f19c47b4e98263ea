using Parquet.Serialization;
using VlWorker.Contracts;
using VlWorker.Integration.Infrastructure;
using VlWorker.Producer.Results;

namespace VlWorker.Integration.Producer;

/// <summary>Results kept in files: each is acknowledged only when it is on the disk.</summary>
public sealed class ResultFileTests(ProducerFixture producer) : IClassFixture<ProducerFixture>, IAsyncLifetime
{
    private readonly string _folder = Repository.NewFolder("results");

    public Task InitializeAsync() => producer.Broker.PurgeAsync(Topology.ResultsQueue);

    public Task DisposeAsync()
    {
        Directory.Delete(_folder, recursive: true);
        return Task.CompletedTask;
    }

    [Fact]
    public async Task Lines_are_added_to_a_file_and_what_is_no_result_to_another()
    {
        var file = Path.Combine(_folder, "r.jsonl");
        await PublishAsync("1", "2");
        Assert.Equal(0, (await producer.RunAsync("results", "--to-jsonl", file)).Code);
        await PublishAsync("3");
        await producer.Broker.PublishAsync(Topology.ResultsExchange, "described.interactive.-", "not json");

        var outcome = await producer.RunAsync("results", "--to-jsonl", file);

        Assert.Contains($"1 kept, 1 not readable and written to {file}.unreadable", outcome.Error, StringComparison.Ordinal);
        Assert.Equal(["1", "2", "3"], (await File.ReadAllLinesAsync(file)).Select(line => Answer.Read(System.Text.Encoding.UTF8.GetBytes(line)).Id));
        await producer.Broker.WaitForCountAsync(Topology.ResultsQueue, 0);
    }

    [Fact]
    public async Task Parquet_files_roll_and_the_last_one_is_written_when_it_ends()
    {
        await PublishAsync([.. Enumerable.Range(1, 25).Select(i => $"{i}")]);

        var outcome = await producer.RunAsync("results", "--to-parquet", _folder, "--rows", "10");

        Assert.True(outcome.Code == 0, outcome.Error);
        var ids = new List<string>();
        var files = Directory.GetFiles(_folder, "*.parquet").Order(StringComparer.Ordinal).ToList();
        foreach (var file in files)
        {
            await using var stream = File.OpenRead(file);
            ids.AddRange((await ParquetSerializer.DeserializeAsync<ResultRow>(stream)).Data.Select(row => row.Id!));
        }

        Assert.Equal(3, files.Count);
        Assert.Equal(Enumerable.Range(1, 25).Select(i => $"{i}"), ids);
        await producer.Broker.WaitForCountAsync(Topology.ResultsQueue, 0);
    }

    [Fact]
    public async Task A_subscription_fills_while_nobody_reads_and_takes_nothing_from_anybody()
    {
        using var interrupt = new CancellationTokenSource();
        string[] args = ["results", "--subscribe", "indexer", "--binding", "described.#", "--to-folder", _folder, "--follow"];
        var running = ProducerFixture.RunAsync(producer.Broker.Uri, Stream.Null, interrupt.Token, args);
        await Eventually.TrueAsync("it reads", async () => await producer.Broker.ConsumersAsync("indexer") == 1);
        await PublishAsync("1");
        await Eventually.TrueAsync("a file", () => File.Exists(Path.Combine(_folder, "photos", "1.jpg.json")));
        await interrupt.CancelAsync();
        Assert.Equal(0, (await running).Code);
        await PublishAsync("2");

        Assert.Equal(0, (await producer.RunAsync(args[..^1])).Code);

        Assert.True(File.Exists(Path.Combine(_folder, "photos", "2.jpg.json")));
        await producer.Broker.WaitForCountAsync(Topology.ResultsQueue, 2);
    }

    [Fact]
    public async Task A_file_that_can_not_be_written_leaves_everything_at_the_broker()
    {
        await PublishAsync("1");
        await File.WriteAllTextAsync(Path.Combine(_folder, "photos"), "in the way");

        var outcome = await producer.RunAsync("results", "--to-folder", _folder);

        Assert.Equal(8, outcome.Code);
        Assert.Contains("What was not written is still at the broker", outcome.Error, StringComparison.Ordinal);
        await producer.Broker.WaitForCountAsync(Topology.ResultsQueue, 1);
    }

    private async Task PublishAsync(params string[] ids)
    {
        foreach (var id in ids)
            await producer.Broker.PublishAsync(Topology.ResultsExchange, Topology.DescribedRoutingKey("interactive", null), ContractsJson.Write(FakeWorker.Result(id, $"{id}.jpg")));
    }
}
