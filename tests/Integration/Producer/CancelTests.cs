using VlWorker.Contracts;
using VlWorker.Integration.Faults;
using VlWorker.Integration.Infrastructure;

namespace VlWorker.Integration.Producer;

/// <summary>A backfill is cancelled in its file at once, and at the workers when the broker lets them know.</summary>
public sealed class CancelTests(ProducerFixture producer) : IClassFixture<ProducerFixture>, IAsyncLifetime
{
    private readonly string _folder = Repository.NewFolder("cancel");
    private readonly string _job = $"job-{Guid.NewGuid():N}";

    private string JobFile => Path.Combine(_folder, "j.vljob");

    public Task InitializeAsync() => producer.Broker.PurgeAsync(Topology.BackfillQueue);

    public Task DisposeAsync()
    {
        Directory.Delete(_folder, recursive: true);
        return Task.CompletedTask;
    }

    [Fact]
    public async Task Workers_that_could_not_be_told_are_told_by_the_next_call()
    {
        await using var proxy = FaultProxy.Start(producer.Broker.Uri);
        Assert.Equal(0, (await RunAsync(proxy, [.. New(20), "--no-wait"])).Code);
        await proxy.RefuseAsync();

        var away = await RunAsync(proxy, "backfill", "cancel", JobFile);
        var status = await producer.RunAsync("backfill", "status", JobFile);
        proxy.Accept();
        var there = await RunAsync(proxy, "backfill", "cancel", JobFile);

        Assert.Equal(2, away.Code);
        Assert.Contains("cancelled: 0 were not published", away.Error, StringComparison.Ordinal);
        Assert.Contains("workers could not be told and go on with what is queued of 20 in flight", away.Error, StringComparison.Ordinal);
        Assert.Matches("state +cancelled, answers are missing, workers do not know\n", status.Output);
        Assert.True(there.Code == 0, there.Error);
        Assert.Matches("state +cancelled, answers are missing\n", (await producer.RunAsync("backfill", "status", JobFile)).Output);
        Assert.Contains("workers reject what is queued of 20 in flight", there.Error, StringComparison.Ordinal);
        Assert.Equal(_job, (await ControlStream.FirstAsync(producer.Broker)).JobId);
    }

    [Fact]
    public async Task A_broker_without_the_control_exchange_leaves_the_job_cancelled()
    {
        await using var bare = await TestBroker.CreateAsync();
        Assert.Equal(0, (await producer.RunAsync([.. New(5), "--no-wait"])).Code);

        var outcome = await ProducerFixture.RunAsync(bare.Uri, Stream.Null, default, "backfill", "cancel", JobFile);

        Assert.Equal(3, outcome.Code);
        Assert.Contains("workers could not be told", outcome.Error, StringComparison.Ordinal);
        Assert.Matches("state +cancelled, answers are missing", (await producer.RunAsync("backfill", "status", JobFile)).Output);
    }

    [Fact]
    public async Task A_producer_that_has_lost_its_broker_leaves_nothing_to_be_published_behind()
    {
        await using var proxy = FaultProxy.Start(producer.Broker.Uri);
        var running = RunAsync(proxy, [.. New(30), "--max-queue", "5", "--patience", "1"]);
        await producer.Broker.WaitForCountAsync(Topology.BackfillQueue, 5);
        await proxy.RefuseAsync();

        var cancelled = await RunAsync(proxy, "backfill", "cancel", JobFile);

        Assert.Equal(2, cancelled.Code);
        Assert.Contains("the producer that runs the job publishes no more", cancelled.Error, StringComparison.Ordinal);
        Assert.Equal(2, (await running).Code);
        var status = await producer.RunAsync("backfill", "status", JobFile);
        Assert.Matches("state +cancelled, answers are missing", status.Output);
        Assert.Matches("unpublished +0\n", status.Output);
        Assert.Matches(@"not published: the job was cancelled +\d+", status.Output);
    }

    private string[] New(int count)
    {
        var manifest = Path.Combine(_folder, "m.txt");
        File.WriteAllLines(manifest, Enumerable.Range(1, count).Select(i => $"{i}.jpg"));
        return ["backfill", "--job", _job, "--bucket", "photos", "--manifest", manifest, "--file", JobFile];
    }

    private Task<Outcome> RunAsync(FaultProxy proxy, params string[] args) =>
        ProducerFixture.RunAsync(new UriBuilder(producer.Broker.Uri) { Host = "127.0.0.1", Port = proxy.Port }.Uri, Stream.Null, default, args);
}
