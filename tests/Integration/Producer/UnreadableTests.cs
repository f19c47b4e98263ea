using System.Text;
using System.Text.Json;
using RabbitMQ.Client;
using VlWorker.Contracts;
using VlWorker.Integration.Infrastructure;

namespace VlWorker.Integration.Producer;

/// <summary>Messages that are no results are in nobody's way, and none is lost.</summary>
public sealed class UnreadableTests(ProducerFixture producer) : IClassFixture<ProducerFixture>, IAsyncLifetime
{
    private const string Half = """{"id":"x","reason":"corrupt","detail":"\ud800","rejectedAt":"2026-11-26T12:00:00Z"}""";
    private readonly string _folder = Repository.NewFolder("unreadable");

    public Task InitializeAsync() => producer.Broker.PurgeAsync(Topology.ResultsQueue);

    public Task DisposeAsync()
    {
        Directory.Delete(_folder, recursive: true);
        return Task.CompletedTask;
    }

    [Theory]
    [InlineData("jsonl")]
    [InlineData("table")]
    public async Task Following_goes_on_behind_more_of_them_than_are_taken_at_a_time(string format)
    {
        var garbage = Enumerable.Range(1, 150).Select(i => Encoding.UTF8.GetBytes($"not json {i}")).Append([0xFF, 0x00, 0x0A]).ToList();
        var file = Path.Combine(_folder, "more", "u.jsonl");
        await PublishAllAsync(garbage);
        await PublishAsync("1", "2");

        var outcome = await producer.RunAsync("results", "--follow", "--count", "2", "--format", format, "--unreadable", file);

        Assert.True(outcome.Code == 0, outcome.Error);
        Assert.Contains($"2 shown, 151 not readable and written to {file}", outcome.Error, StringComparison.Ordinal);
        Assert.Contains("goes to", outcome.Error, StringComparison.Ordinal);
        Assert.InRange(outcome.Error.Split('\n').Length, 20, 30);
        Assert.Equal(garbage, await BodiesAsync(file));
        await producer.Broker.WaitForCountAsync(Topology.ResultsQueue, 0);
    }

    [Theory]
    [InlineData("--to-jsonl", "r.jsonl", "r.jsonl.unreadable", "[1", "half")]
    [InlineData("--to-folder", "out", "out/_unreadable.jsonl", "{\"a\":1}", "half", "{\"outputs\":[null]}", "long", "endless")]
    [InlineData("--to-parquet", "out", "out/_unreadable.jsonl", "{\"a\":1}", "half", "[]", "vector", "infinite", "endless")]
    public async Task Files_are_written_behind_more_of_them_than_are_taken_at_a_time(string option, string target, string side, params string[] kinds)
    {
        var garbage = kinds.SelectMany(kind => Enumerable.Repeat(Encoding.UTF8.GetBytes(Garbage(kind)), 3)).ToList();
        await PublishAllAsync(garbage);
        await PublishAsync("1", "2");

        // Two are taken at a time; a file of Parquet would wait for 20 minutes.
        string[] seconds = option == "--to-parquet" ? ["--seconds", "1200"] : [];
        var outcome = await producer.RunAsync(["results", "--follow", "--count", "2", option, Path.Combine(_folder, target), .. seconds]);

        Assert.True(outcome.Code == 0, outcome.Error);
        Assert.Contains($"2 kept, {garbage.Count} not readable and written to", outcome.Error, StringComparison.Ordinal);
        Assert.Equal(garbage, await BodiesAsync(Path.Combine(_folder, side)));
        await producer.Broker.WaitForCountAsync(Topology.ResultsQueue, 0);
    }

    [Fact]
    public async Task What_can_not_be_written_stays_at_the_broker()
    {
        await File.WriteAllTextAsync(Path.Combine(_folder, "file"), "in the way");
        await PublishAllAsync([[1], [2]]);

        var outcome = await producer.RunAsync("results", "--follow", "--unreadable", Path.Combine(_folder, "file", "u.jsonl"));

        Assert.Equal(8, outcome.Code);
        Assert.Contains("What was not written is still at the broker", outcome.Error, StringComparison.Ordinal);
        await producer.Broker.WaitForCountAsync(Topology.ResultsQueue, 2);
    }

    [Fact]
    public async Task A_line_says_how_the_message_came_and_takes_the_place_of_a_torn_one()
    {
        var file = Path.Combine(_folder, "u.jsonl");
        await File.WriteAllTextAsync(file, "{\"body\":\"AA==\"}\n{\"body\":\"torn");
        var properties = new BasicProperties { MessageId = "m1", Headers = new Dictionary<string, object?> { ["x-from"] = "somebody" } };
        await producer.Broker.PublishAsync(Topology.ResultsExchange, "described.interactive.-", "no", properties);

        Assert.Equal(0, (await producer.RunAsync("results", "--unreadable", file)).Code);

        var lines = await File.ReadAllLinesAsync(file);
        Assert.Equal(2, lines.Length);
        using var line = JsonDocument.Parse(lines[1]);
        Assert.Equal(
            [Topology.ResultsExchange, "described.interactive.-", "m1", "bm8="],
            ((string[])["exchange", "routingKey", "messageId", "body"]).Select(name => line.RootElement.GetProperty(name).GetString()!));
        Assert.Equal("somebody", line.RootElement.GetProperty("headers").GetProperty("x-from").GetString());
    }

    private static string Garbage(string kind) => kind switch
    {
        "half" => Half,
        "long" => Written(FakeWorker.Result("x", string.Join('/', Enumerable.Repeat("a", 3000)))),
        "vector" => Written(FakeWorker.Result("x", "k") with
        {
            Outputs = [Output() with { Embedding = new Embedding { Dimensions = 3, Values = [1] } }],
        }),
        "infinite" => Written(FakeWorker.Result("x", "k") with
        {
            Outputs =
            [
                Output() with
                {
                    Detections = [new Detection { Label = "l", Score = 0.125f, Box = new Box { Left = 0, Top = 0, Right = 1, Bottom = 1 } }],
                },
            ],
        }).Replace("0.125", "1e999", StringComparison.Ordinal),
        "endless" => Written(FakeWorker.Result("x", "k"))[..^1],
        _ => kind,
    };

    private static Output Output() =>
        new() { Task = Tasks.Detect, Model = new ModelReference { Alias = "a", Revision = "r" }, ResultId = "i", ContentId = "i" };

    private static string Written(ImageDescribed result) => Encoding.UTF8.GetString(ContractsJson.Write(result));

    private static async Task<List<byte[]>> BodiesAsync(string file) =>
        [.. (await File.ReadAllLinesAsync(file)).Select(line => JsonDocument.Parse(line).RootElement.GetProperty("body").GetBytesFromBase64())];

    private Task PublishAsync(params string[] ids) => PublishAllAsync(ids.Select(id => ContractsJson.Write(FakeWorker.Result(id, $"{id}.jpg"))));

    private Task PublishAllAsync(IEnumerable<byte[]> bodies) => producer.Broker.UseAsync(async channel =>
    {
        var key = Topology.DescribedRoutingKey("interactive", null);
        foreach (var body in bodies)
            await channel.BasicPublishAsync(Topology.ResultsExchange, key, mandatory: true, new BasicProperties(), body);
    });
}
