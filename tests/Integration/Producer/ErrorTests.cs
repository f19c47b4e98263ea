using RabbitMQ.Client;
using VlWorker.Contracts;
using VlWorker.Integration.Infrastructure;
using VlWorker.Integration.Security;

namespace VlWorker.Integration.Producer;

/// <summary>Everything that can be wrong with a broker has an exit code and a sentence of its own.</summary>
public sealed class ErrorTests
{
    [Fact]
    public async Task Wrong_credentials()
    {
        await using var broker = await TestBroker.CreateAsync();
        var uri = new UriBuilder(broker.Uri) { Password = "s3cret-but-wrong" }.Uri;

        var outcome = await RunAsync(uri, "publish", "-b", "b", "-k", "k");

        Assert.Equal(2, outcome.Code);
        Assert.Contains("refused the user name or the password", outcome.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task No_such_virtual_host()
    {
        await using var broker = await TestBroker.CreateAsync();
        var outcome = await RunAsync(new UriBuilder(broker.Uri) { Path = "/nowhere" }.Uri, "results");

        Assert.Equal(2, outcome.Code);
        Assert.Contains("nowhere", outcome.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("publish", "-b", "b", "-k", "k")]
    [InlineData("publish", "-b", "b", "-k", "k", "--wait")]
    [InlineData("text", "x")]
    [InlineData("results")]
    [InlineData("results", "--follow")]
    [InlineData("results", "--job", "j")]
    [InlineData("results", "--queue", "no-such-queue")]
    public async Task No_worker_has_declared_anything(params string[] args)
    {
        await using var broker = await TestBroker.CreateAsync();
        var outcome = await RunAsync(broker.Uri, args);

        Assert.Equal(3, outcome.Code);
        Assert.Contains("does not exist: start a worker first", outcome.Error, StringComparison.Ordinal);
        Assert.Empty(await broker.ListExchangesAsync());
        Assert.Empty(await broker.ListQueuesAsync());
    }

    [Fact]
    public async Task No_queue_is_bound()
    {
        await using var broker = await TestBroker.CreateAsync();
        await broker.UseAsync(channel => channel.ExchangeDeclareAsync(Topology.RequestsExchange, ExchangeType.Direct, durable: true));

        var outcome = await RunAsync(broker.Uri, "publish", "-b", "b", "-k", "k", "--id", "lost-1");

        Assert.Equal(3, outcome.Code);
        Assert.Contains("no queue is bound to the exchange 'vl.requests' for 'interactive', so request lost-1 came back", outcome.Error, StringComparison.Ordinal);
        Assert.Contains("0 published and confirmed", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_full_queue_refuses_and_says_where_to_go_on()
    {
        await using var broker = await TestBroker.CreateAsync();
        const int Room = 3;
        await broker.UseAsync(async channel =>
        {
            await channel.ExchangeDeclareAsync(Topology.RequestsExchange, ExchangeType.Direct, durable: true);
            var arguments = new Dictionary<string, object?> { ["x-max-length"] = Room, ["x-overflow"] = "reject-publish" };
            await channel.QueueDeclareAsync(Topology.InteractiveQueue, durable: true, exclusive: false, autoDelete: false, arguments);
            await channel.QueueBindAsync(Topology.InteractiveQueue, Topology.RequestsExchange, Topology.InteractiveRoutingKey);
        });

        // One at a time: what is behind the refused one is not sent.
        var outcome = await ProducerFixture.RunAsync(
            broker.Uri, new MemoryStream("a\nb\nc\nd\ne\nf\n"u8.ToArray()), default, "publish", "-b", "b", "--list", "-", "--window", "1");

        Assert.Equal(4, outcome.Code);
        Assert.Contains("3 published and confirmed", outcome.Error, StringComparison.Ordinal);
        Assert.Contains("is full or not available", outcome.Error, StringComparison.Ordinal);
        Assert.Contains("--skip 3 takes a list up again", outcome.Error, StringComparison.Ordinal);
        Assert.Equal((uint)Room, await broker.CountAsync(Topology.InteractiveQueue));
    }

    [Fact]
    public async Task A_backfill_without_a_queue_or_a_permission_ends_and_does_not_try_for_ever()
    {
        await using var broker = await TestBroker.CreateAsync();
        await ProducerFixture.DeclareAsync(broker);
        var folder = Repository.NewFolder("refused");
        await File.WriteAllTextAsync(Path.Combine(folder, "m.txt"), "a.jpg\n");
        string[] New(string job) => ["backfill", "--job", job, "--bucket", "b", "--manifest", Path.Combine(folder, "m.txt"), "--file", Path.Combine(folder, job)];

        var reader = await LimitedUser.CreateAsync(broker, configure: "^vl\\.job\\.", write: "^vl\\.job\\.", read: ".*");
        var forbidden = await RunAsync(reader, New("forbidden"));
        await broker.UseAsync(channel => channel.QueueDeleteAsync(Topology.BackfillQueue, ifUnused: false, ifEmpty: false));
        var missing = await RunAsync(broker.Uri, New("missing"));

        Assert.Equal((2, 3), (forbidden.Code, missing.Code));
        Assert.Contains("ACCESS_REFUSED", forbidden.Error, StringComparison.Ordinal);
        Assert.Contains("no queue 'vl.describe.backfill'", missing.Error, StringComparison.Ordinal);
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    [Trait("Category", "Full")]
    public async Task A_server_that_says_nothing_is_not_waited_for_without_end()
    {
        using var silent = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        silent.Start();

        var outcome = await RunAsync(new Uri($"amqp://guest:guest@{silent.LocalEndpoint}/"), "results");

        Assert.Equal(2, outcome.Code);
        Assert.Contains("did not answer in time", outcome.Error, StringComparison.Ordinal);
    }

    private static Task<Outcome> RunAsync(Uri uri, params string[] args) => ProducerFixture.RunAsync(uri, Stream.Null, default, args);
}
