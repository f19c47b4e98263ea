using VlWorker.Contracts;
using VlWorker.Integration.Infrastructure;

namespace VlWorker.Integration.Producer;

public sealed class BackfillTests(ProducerFixture producer) : IClassFixture<ProducerFixture>, IAsyncLifetime
{
    private readonly string _folder = Repository.NewFolder("backfill");
    private readonly string _job = $"job-{Guid.NewGuid():N}";

    private string JobFile => Path.Combine(_folder, "j.vljob");

    public async Task InitializeAsync()
    {
        await producer.Broker.PurgeAsync(Topology.BackfillQueue);
        await producer.Broker.PurgeAsync(Topology.ResultsQueue);
    }

    public Task DisposeAsync()
    {
        Directory.Delete(_folder, recursive: true);
        return Task.CompletedTask;
    }

    [Fact]
    public async Task A_manifest_is_published_and_followed_until_all_is_answered()
    {
        await using var worker = await FakeWorker.StartAsync(producer.Broker, copies: 2);

        var outcome = await RunAsync([.. New(Manifest(1200, "bad-1.jpg", "dead-1.jpg")), "--window", "100"]);

        Assert.True(outcome.Code == 5, outcome.Error);
        Assert.Contains("of 1,202 1,200 described, 1 rejected, 1 dead letters, 0 without an answer", outcome.Error, StringComparison.Ordinal);
        Assert.Equal(1202, worker.Backfilled);
        await Eventually.GetAsync("the job's queues go", producer.Broker.ListQueuesAsync, queues => !queues.Any(IsOurs));
        await producer.Broker.WaitForCountAsync(Topology.ResultsQueue, 2402);
        var status = await RunAsync("backfill", "status", JobFile);
        Assert.Matches("state +done", status.Output);
        Assert.Matches("described +1,200", status.Output);
        Assert.Matches("rejected: not-found +1", status.Output);
        Assert.Matches("dead-letter: attempts-exhausted +1", status.Output);
    }

    [Fact]
    public async Task Answers_that_came_while_nobody_was_there_are_taken_by_a_resumed_run()
    {
        var published = await RunAsync([.. New(Manifest(300)), "--no-wait"]);
        Assert.True(published.Code == 0, published.Error);
        await producer.Broker.WaitForCountAsync(Topology.BackfillQueue, 300);
        await using var worker = await FakeWorker.StartAsync(producer.Broker);
        await producer.Broker.WaitForCountAsync(Topology.ResultsQueue, 300);

        var resumed = await RunAsync("backfill", "--resume", "--file", JobFile);

        Assert.True(resumed.Code == 0, resumed.Error);
        Assert.Contains("0 published and confirmed", resumed.Error, StringComparison.Ordinal);
        Assert.Contains("300 described", resumed.Error, StringComparison.Ordinal);
        Assert.Equal(300, worker.Backfilled);
    }

    [Fact]
    public async Task A_broken_line_is_named_and_the_rest_is_published()
    {
        await using var worker = await FakeWorker.StartAsync(producer.Broker);
        var path = Path.Combine(_folder, "m.jsonl");
        await File.WriteAllTextAsync(path, "{\"key\":\"a.jpg\"}\n{\"key\":\n{\"key\":\"b.jpg\"}\n");

        var outcome = await RunAsync(New(path));

        Assert.Equal(1, outcome.Code);
        Assert.Contains($"line 2 of {path} is left out: not valid JSON", outcome.Error, StringComparison.Ordinal);
        Assert.Contains("2 described", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Feeding_stops_while_the_queue_is_long_and_a_pause_and_a_cancellation_hold()
    {
        using var interrupt = new CancellationTokenSource();
        var running = ProducerFixture.RunAsync(producer.Broker.Uri, Stream.Null, interrupt.Token, [.. New(Manifest(400)), "--max-queue", "50"]);
        await producer.Broker.WaitForCountAsync(Topology.BackfillQueue, 50);
        Assert.Matches("state +unfinished, a producer runs it", (await RunAsync("backfill", "status", JobFile)).Output);

        Assert.Equal(0, (await RunAsync("backfill", "pause", JobFile)).Code);
        Assert.Matches("state +paused", (await RunAsync("backfill", "status", JobFile)).Output);
        Assert.Equal(0, (await RunAsync("backfill", "resume", JobFile)).Code);
        Assert.Equal(0, (await RunAsync("backfill", "cancel", JobFile)).Code);
        await Eventually.GetAsync("the rest is dropped", () => RunAsync("backfill", "status", JobFile), status => status.Output.Contains("not published", StringComparison.Ordinal));

        // What is queued already is answered by workers, with whatever they answer.
        await using var worker = await FakeWorker.StartAsync(producer.Broker);
        var outcome = await running;
        Assert.Contains("0 without an answer", outcome.Error, StringComparison.Ordinal);
        Assert.Equal(50, worker.Backfilled);
        Assert.Matches("state +cancelled", (await RunAsync("backfill", "status", JobFile)).Output);
        Assert.Equal(_job, (await ControlStream.FirstAsync(producer.Broker)).JobId);
    }

    [Fact]
    public async Task A_full_queue_delays_and_loses_nothing()
    {
        await using var broker = await TestBroker.CreateAsync();
        await ProducerFixture.DeclareAsync(broker);
        Assert.Equal(0, (await ProducerFixture.RunAsync(broker.Uri, Stream.Null, default, "topology", "apply", "--management", broker.ManagementUri.ToString(), "--policy", "vl.describe.backfill:max-length=20")).Code);
        var running = ProducerFixture.RunAsync(broker.Uri, Stream.Null, default, New(Manifest(200)));
        await Eventually.GetAsync("the queue is full", () => broker.CountAsync(Topology.BackfillQueue), count => count >= 20);
        await using var worker = await FakeWorker.StartAsync(broker);

        var outcome = await running;

        Assert.True(outcome.Code == 0, outcome.Error);
        Assert.Contains("200 described", outcome.Error, StringComparison.Ordinal);
        Assert.Equal(200, worker.Backfilled);
    }

    [Fact]
    public async Task Two_producers_do_not_run_one_job()
    {
        using var interrupt = new CancellationTokenSource();
        var running = ProducerFixture.RunAsync(producer.Broker.Uri, Stream.Null, interrupt.Token, New(Manifest(30)));
        await producer.Broker.WaitForCountAsync(Topology.BackfillQueue, 30);

        var second = await RunAsync("backfill", "--resume", "--file", JobFile);
        File.Copy(JobFile, JobFile + ".copy");
        File.Copy(JobFile + "-wal", JobFile + ".copy-wal");
        var elsewhere = await RunAsync("backfill", "--resume", "--file", JobFile + ".copy");

        Assert.Equal(8, second.Code);
        Assert.Contains("another producer runs the job", second.Error, StringComparison.Ordinal);
        Assert.Equal(8, elsewhere.Code);
        Assert.Contains("another producer runs this job from another copy", elsewhere.Error, StringComparison.Ordinal);
        await producer.Broker.WaitForCountAsync(Topology.BackfillQueue, 30);
        await interrupt.CancelAsync();
        Assert.Equal(130, (await running).Code);
    }

    [Fact]
    public async Task A_job_whose_queue_is_gone_publishes_again_what_has_no_answer()
    {
        Assert.Equal(0, (await RunAsync([.. New(Manifest(20)), "--no-wait"])).Code);
        var queue = (await Eventually.GetAsync("the lease goes and the queue stays", producer.Broker.ListQueuesAsync, queues => queues.Count(IsOurs) == 1)).Single(IsOurs).Name;
        await producer.Broker.UseAsync(channel => channel.QueueDeleteAsync(queue, ifUnused: false, ifEmpty: false));
        await using var worker = await FakeWorker.StartAsync(producer.Broker);

        var resumed = await RunAsync("backfill", "--resume", "--file", JobFile);

        Assert.True(resumed.Code == 0, resumed.Error);
        Assert.Contains("the job's queue was gone", resumed.Error, StringComparison.Ordinal);
        Assert.Contains("20 described", resumed.Error, StringComparison.Ordinal);
    }

    private bool IsOurs(QueueInfo queue) => queue.Name.StartsWith($"vl.job.{_job}", StringComparison.Ordinal);

    private string[] New(string manifest) => ["backfill", "--job", _job, "--bucket", "photos", "--manifest", manifest, "--file", JobFile];

    private string Manifest(int count, params string[] more)
    {
        var path = Path.Combine(_folder, "m.txt");
        File.WriteAllLines(path, Enumerable.Range(1, count).Select(i => $"{i}.jpg").Concat(more));
        return path;
    }

    private Task<Outcome> RunAsync(params string[] args) => producer.RunAsync(args);
}
