using System.Globalization;
using VlWorker.Contracts;
using VlWorker.Integration.Faults;
using VlWorker.Integration.Infrastructure;
using VlWorker.Integration.Producer;

namespace VlWorker.Integration.EndToEnd;

/// <summary>The store fails a worker in every way it can. <see cref="NothingLostTests"/> takes it away for twenty seconds and for longer.</summary>
[Trait("Category", "Full")]
public sealed class StoreFaultTests(Servers servers) : IClassFixture<Servers>, IAsyncLifetime
{
    private const int Messages = 200;
    private FaultBench _bench = null!;
    private FaultProxy _proxy = null!;

    public async Task InitializeAsync()
    {
        _bench = await servers.NewBenchAsync();
        _proxy = FaultProxy.Start(_bench.Store.Owner.Endpoint);
    }

    public async Task DisposeAsync()
    {
        await _bench.StopAsync();
        await _proxy.DisposeAsync();
    }

    [Fact]
    public async Task Some_objects_do_not_exist()
    {
        await StartAsync();
        await _bench.PublishAsync(Messages, "missing.jpg");

        await _bench.NothingIsLostAsync(redelivered: 0, key => key == "missing.jpg" ? RejectionReason.NotFound : FaultBench.Described);
    }

    [Fact]
    public async Task Some_objects_are_denied()
    {
        var secret = _bench.Keys[3];
        await _bench.Store.LetOtherReadAsync(exceptKeys: secret);
        await StartAsync(store: _bench.Store.Other);
        await _bench.PublishAsync(Messages);

        await _bench.NothingIsLostAsync(redelivered: 0, key => key == secret ? RejectionReason.AccessDenied : FaultBench.Described);
    }

    [Fact]
    public async Task A_storm_of_503s()
    {
        var worker = await StartAsync();
        await WorkAsync();

        _proxy.Plan = FaultPlan.Status(503, "SlowDown");
        await _bench.PublishAsync(Messages);
        await worker.NotReadyAsync("Store");
        _proxy.Plan = FaultPlan.None;

        await _bench.NothingIsLostAsync(redelivered: 0);
    }

    [Fact]
    public async Task Slow_answers()
    {
        _proxy.Plan = new FaultPlan { Matches = Traffic.IsImage, Delay = TimeSpan.FromSeconds(2) };
        await StartAsync();
        await _bench.PublishAsync(Messages);

        await _bench.NothingIsLostAsync(redelivered: 0);
    }

    [Fact]
    public async Task Bodies_that_stall()
    {
        var worker = await StartAsync(new() { ["Fetching:StallTimeoutMs"] = "1000" });
        await WorkAsync();

        _proxy.Plan = new FaultPlan { Matches = Traffic.IsImage, StallAfter = 1_000 };
        await _bench.PublishAsync(Messages);
        await worker.NotReadyAsync("Store");
        _proxy.Plan = FaultPlan.None;

        await _bench.NothingIsLostAsync(redelivered: 0);
    }

    [Fact]
    public async Task Bodies_that_are_cut_short_at_times_and_one_that_always_is()
    {
        var (broken, seen) = (_bench.Keys[5], 0);
        // The object is to blame in the end: two attempts, 5 s apart.
        _proxy.Plan = new FaultPlan
        {
            Matches = line => Traffic.IsImage(line) && (line.Contains(broken, StringComparison.Ordinal) || Interlocked.Increment(ref seen) % 5 == 0),
            CutAfter = 1_000,
        };
        await StartAsync(new() { ["Consuming:MaxAttempts"] = "2" });
        await _bench.PublishAsync(Messages);

        await _bench.NothingIsLostAsync(redelivered: 0, key => key == broken ? DeadLetterReason.AttemptsExhausted : FaultBench.Described);
    }

    [Theory]
    [InlineData(false, FaultBench.Described)]
    [InlineData(true, RejectionReason.PreconditionFailed)]
    public async Task An_object_that_is_replaced_between_the_list_and_the_fetch(bool ifMatch, string expected)
    {
        var folder = Repository.NewFolder("replaced");
        var worker = await StartAsync();
        Assert.Equal(0, await worker.StopAsync());
        var (replaced, others) = (_bench.Keys[0], await _bench.Store.GetAsync(_bench.Keys[1]));
        await _bench.Store.PutFileAsync(replaced, Repository.At("samples", replaced));
        await BackfillAsync(folder, ifMatch ? ["--if-match"] : []);
        var etag = await _bench.Store.PutAsync(replaced, others);

        await StartAsync(listen: false);

        await _bench.NothingIsLostAsync(redelivered: 0, key => key == replaced ? expected : FaultBench.Described);
        Assert.All(_bench.Client.Answers.Values.SelectMany(answers => answers).Where(answer => answer.Image?.Image.Key == replaced), answer => Assert.Equal(etag, answer.Image!.Image.Etag));
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task The_stores_name_is_gone_from_the_DNS()
    {
        var hosts = Path.GetTempFileName();
        const string Known = "127.0.0.1 localhost vl-store.invalid\n";
        await File.WriteAllTextAsync(hosts, Known);
        var worker = await StartAsync(new() { ["Store:Endpoint"] = $"http://vl-store.invalid:{_proxy.Port}" }, hosts: hosts);
        await WorkAsync();

        await File.WriteAllTextAsync(hosts, "127.0.0.1 localhost\n");
        await _proxy.CutAsync();
        await _bench.PublishAsync(Messages);
        await worker.NotReadyAsync("does not resolve");
        await File.WriteAllTextAsync(hosts, Known);

        await _bench.NothingIsLostAsync(redelivered: 0);
        File.Delete(hosts);
    }

    /// <summary>Has some images described; what is to meet a fault is published after it, for a fast worker has soon fetched all there is.</summary>
    private async Task WorkAsync()
    {
        await _bench.PublishAsync(20);
        await _bench.AnsweredAsync(20);
    }

    /// <summary>A worker that reaches the store through the proxy.</summary>
    private async Task<WorkerProcess> StartAsync(Dictionary<string, string>? settings = null, StoreUser? store = null, string? hosts = null, bool listen = true)
    {
        Dictionary<string, string> all = new(settings ?? []);
        all.TryAdd("Store:Endpoint", $"http://127.0.0.1:{_proxy.Port}");
        var worker = await _bench.StartWorkerAsync(settings: all, store: store, hosts: hosts);
        if (listen)
            await _bench.ListenAsync();
        return worker;
    }

    /// <summary>Lists the bucket and publishes a request for each object, with the entity tag of that moment.</summary>
    private async Task BackfillAsync(string folder, string[] further)
    {
        var job = Path.GetFileName(folder);
        string[] arguments = ["backfill", "--job", job, "--bucket", _bench.Store.Bucket, "--file", Path.Combine(folder, "j.vljob"), "--no-wait", .. further];
        var outcome = await ProducerFixture.RunAsync(_bench.Broker.Uri, Stream.Null, _bench.Store.Owner, default, arguments);
        Assert.True(outcome.Code == 0, outcome.Error);
        _bench.Sent(_bench.Keys.Select((key, i) => (string.Create(CultureInfo.InvariantCulture, $"{job}-{i + 1}"), key)));
    }
}
