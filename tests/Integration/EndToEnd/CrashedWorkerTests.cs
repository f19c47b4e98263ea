using System.Globalization;
using VlWorker.Contracts;
using VlWorker.Integration.Infrastructure;

namespace VlWorker.Integration.EndToEnd;

/// <summary>An image that really kills the process that decodes it: it is found out and put away, and all others get their results.</summary>
public sealed class CrashedWorkerTests(TestStore store) : IClassFixture<TestStore>, IAsyncLifetime
{
    private const int Others = 48;
    private const string Deadly = "deadly";

    private readonly List<WorkerProcess> _workers = [];
    private TestBroker _broker = null!;
    private CrashingDecoder _decoder = null!;
    private Client _client = null!;

    public async Task InitializeAsync()
    {
        _broker = await TestBroker.CreateAsync();
        _decoder = await CrashingDecoder.CreateAsync();
        await store.PutAsync("good.jpg", BadImages.Jpeg);
        await store.PutAsync("deadly.jpg", CrashingDecoder.DeadlyJpeg);
    }

    public async Task DisposeAsync()
    {
        foreach (var worker in _workers)
            await worker.DisposeAsync();
        if (_client is not null)
            await _client.DisposeAsync();
        _decoder.Dispose();
        await _broker.DisposeAsync();
    }

    [Fact]
    public async Task The_message_is_put_away_and_its_batch_mates_get_their_results()
    {
        await PublishAsync();
        var deaths = 0;
        while (!await DoneAsync())
        {
            var worker = await StartAsync(_decoder.Settings());
            if (await DiesAsync(worker))
                deaths++;
            Assert.InRange(deaths, 0, 3);
        }

        // One death in company, which proves nothing, and two alone; the first may have been one of those.
        Assert.InRange(deaths, 2, 3);
        var letter = await PutAwayAsync();
        Assert.Equal("2 processes died while they were at work on this message alone", letter.Header(Topology.DeadErrorHeader));

        // Where the defect has been mended, a replay is served: it has no past.
        if (!_workers[^1].HasExited)
            await _workers[^1].StopAsync();
        await StartAsync(new() { ["Journal:Folder"] = _decoder.Journals }, waitUntilReady: true);
        await _client.PublishAsync(letter.Text);
        Assert.NotNull((await _client.AwaitAsync(Deadly)).Image);
    }

    [Theory]
    [Trait("Category", "Full")]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Two_workers_are_killed_by_turns_until_it_is_found_out(bool sharedFolder)
    {
        await PublishAsync();
        var deaths = 0;
        Dictionary<string, string> Settings(int i) => _decoder.Settings(sharedFolder ? null : Path.Combine(_decoder.Folder, $"journal{i}"));
        WorkerProcess[] pair = [await StartAsync(Settings(0)), await StartAsync(Settings(1))];
        while (!await DoneAsync())
        {
            await Eventually.TrueAsync("a death or the end", async () => pair.Any(worker => worker.HasExited) || await DoneAsync());
            for (var i = 0; i < pair.Length; i++)
            {
                if (!pair[i].HasExited)
                    continue;
                deaths++;
                pair[i] = await StartAsync(Settings(i));
            }
        }

        // Journals of one's own cost one death more for each worker that has to learn it.
        Assert.InRange(deaths, 2, sharedFolder ? 4 : 6);
        await PutAwayAsync();
    }

    [Fact]
    public async Task Without_room_for_a_journal_work_goes_on_and_says_so()
    {
        Directory.CreateDirectory(_decoder.Journals);
        for (var i = 0; i < 256; i++)
            File.CreateSymbolicLink(Path.Combine(_decoder.Journals, $"{i}.journal"), "/dev/full");
        var worker = await StartAsync(new() { ["Journal:Folder"] = _decoder.Journals }, waitUntilReady: true);
        _client = await Client.ConnectAsync(_broker);

        await _client.PublishAsync(Request("full", "good.jpg"));

        Assert.NotNull((await _client.AwaitAsync("full")).Image);
        Assert.Contains("can't be written, work goes on without it", worker.Log, StringComparison.Ordinal);
        Assert.Equal(0, (await worker.MetricsAsync()).Sum("vlworker_journal_written"));
        Assert.True((await worker.ReadinessAsync()).Ready);
    }

    /// <summary>Declares the topology by a worker that has nothing to do, then publishes.</summary>
    private async Task PublishAsync()
    {
        await (await StartAsync(_decoder.Settings(), waitUntilReady: true)).StopAsync();
        _client = await Client.ConnectAsync(_broker);
        for (var i = 0; i < Others; i++)
        {
            if (i == Others / 3)
                await _client.PublishAsync(Request(Deadly, "deadly.jpg"), Topology.BackfillRoutingKey);
            await _client.PublishAsync(Request(i.ToString(CultureInfo.InvariantCulture), "good.jpg"), i % 2 == 0 ? Topology.InteractiveRoutingKey : Topology.BackfillRoutingKey);
        }
    }

    private DescribeImage Request(string id, string key) => new() { Id = id, Image = new ImageReference { Bucket = store.Bucket, Key = key } };

    private async Task<WorkerProcess> StartAsync(Dictionary<string, string> settings, bool waitUntilReady = false)
    {
        var worker = await WorkerProcess.StartAsync(_broker.Uri, store.Owner, [store.Bucket], settings, waitUntilReady);
        _workers.Add(worker);
        return worker;
    }

    private async Task<bool> DoneAsync() => _client.Answers.Count >= Others && await _broker.CountAsync(Topology.DeadLettersQueue) == 1;

    /// <summary>Waits until the worker has died, by a signal, or everything is done.</summary>
    private async Task<bool> DiesAsync(WorkerProcess worker)
    {
        await Eventually.TrueAsync("a death or the end", async () => worker.HasExited || await DoneAsync());
        if (!worker.HasExited)
            return false;
        Assert.InRange(await worker.ExitAsync(), 129, 255);
        return true;
    }

    /// <summary>The one dead letter; everything else was answered, with a result.</summary>
    private async Task<ReceivedMessage> PutAwayAsync()
    {
        var letter = Assert.Single(await _broker.TakeAsync(Topology.DeadLettersQueue, 1));
        Assert.Equal(DeadLetterReason.CrashedWorker, letter.Header(Topology.DeadReasonHeader));
        Assert.Equal(Deadly, ContractsJson.Read<DescribeImage>(letter.Body).Id);
        Assert.Equal(Others, _client.Answers.Count);
        Assert.All(_client.Answers.Values, answers => Assert.All(answers, answer => Assert.NotNull(answer.Image)));
        await _broker.WaitForCountAsync(Topology.InteractiveQueue, 0);
        await _broker.WaitForCountAsync(Topology.BackfillQueue, 0);
        return letter;
    }
}
