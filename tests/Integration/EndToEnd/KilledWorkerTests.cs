using VlWorker.Contracts;
using VlWorker.Integration.Faults;
using VlWorker.Integration.Infrastructure;
using VlWorker.Journal;

namespace VlWorker.Integration.EndToEnd;

/// <summary>kill -9 at each stage, of one of two workers, and again and again: nothing is lost, and no innocent message is put away for it.</summary>
[Trait("Category", "Full")]
public sealed class KilledWorkerTests(Servers servers) : IClassFixture<Servers>, IAsyncLifetime
{
    private CrashingDecoder _decoder = null!;
    private FaultBench _bench = null!;

    public async Task InitializeAsync()
    {
        _decoder = await CrashingDecoder.CreateAsync();
        _bench = await servers.NewBenchAsync();
    }

    public async Task DisposeAsync()
    {
        await _bench.StopAsync();
        _decoder.Dispose();
    }

    [Fact]
    public async Task While_it_fetches()
    {
        await using var proxy = FaultProxy.Start(_bench.Store.Owner.Endpoint);
        var slow = _bench.Store.Owner with { Endpoint = new UriBuilder(_bench.Store.Owner.Endpoint) { Host = "127.0.0.1", Port = proxy.Port }.Uri };
        var worker = await _bench.StartWorkerAsync(settings: Shared(), store: slow);
        await _bench.ListenAsync();
        proxy.Plan = FaultPlan.None with { Freeze = true };
        await _bench.PublishAsync();
        await InHandAsync(worker, FaultBench.InHand);

        await worker.KillAsync();

        Assert.Empty(_decoder.InWork());
        await FinishAsync();
    }

    [Theory]
    [InlineData(nameof(WorkStage.Decoding))]
    [InlineData(nameof(WorkStage.Inference))]
    public async Task While_it_decodes_or_infers(string stage)
    {
        var settings = stage == nameof(WorkStage.Decoding) ? _decoder.Settings(pause: TimeSpan.FromMilliseconds(100)) : Shared();
        var worker = await _bench.StartWorkerAsync(settings: settings);
        await _bench.ListenAsync();
        await _bench.PublishAsync();
        await Eventually.TrueAsync($"{stage}", () => _decoder.InWork().Count(entry => entry.Stage == Enum.Parse<WorkStage>(stage)) >= 2);

        await worker.KillAsync();

        Assert.NotEmpty(_decoder.InWork());
        await FinishAsync();
    }

    [Fact]
    public async Task While_rows_wait_for_their_batch()
    {
        var settings = new Dictionary<string, string>(Shared())
        {
            ["Batching:MaxBatch"] = "64",
            ["Batching:Window"] = "Fixed",
            ["Batching:MaxWaitMs"] = "60000",
        };
        var worker = await _bench.StartWorkerAsync(settings: settings);
        await _bench.ListenAsync();
        await _bench.PublishAsync(20);
        await Eventually.TrueAsync("rows to wait", async () => (await worker.MetricsAsync()).Sum("vlworker_batcher_waiting_rows") >= 40);

        await worker.KillAsync();

        Assert.Empty(_decoder.InWork());
        await FinishAsync();
    }

    [Fact]
    public async Task While_it_publishes()
    {
        var settings = new Dictionary<string, string>(Shared()) { ["Publishing:DeclareResultsQueue"] = "false" };
        var worker = await _bench.StartWorkerAsync(settings: settings);
        await _bench.PublishAsync();
        await worker.NotReadyAsync("Results");

        await worker.KillAsync();

        await _bench.ListenAsync();
        await FinishAsync();
    }

    [Fact]
    public async Task One_of_two()
    {
        var first = await _bench.StartWorkerAsync(settings: Shared());
        await _bench.StartWorkerAsync(settings: Shared());
        await _bench.ListenAsync();
        await _bench.PublishAsync();
        await _bench.AnsweredAsync(60);

        await first.KillAsync();

        await _bench.NothingIsLostAsync(FaultBench.InHand);
    }

    [Fact]
    public async Task Ten_times_while_messages_flow()
    {
        for (var kills = 0; kills < 10; kills++)
        {
            var worker = await _bench.StartWorkerAsync(settings: Shared());
            if (kills == 0)
                await _bench.ListenAsync();
            await _bench.PublishAsync(100);
            var before = _bench.Client.Answers.Count;
            var some = Random.Shared.Next(1, 60);
            await Eventually.TrueAsync("some answers", () => _bench.Client.Answers.Count >= before + some);
            await worker.KillAsync();
        }

        await FinishAsync(10 * FaultBench.InHand);
    }

    /// <summary>Told to stop, and killed when it does not end in time: the message that kept it was alone in work each time, and is innocent.</summary>
    [Fact]
    public async Task Three_times_after_it_was_told_to_stop_alone_with_one_image()
    {
        var settings = _decoder.Settings(pause: TimeSpan.FromSeconds(20));
        for (var kills = 0; kills < 3; kills++)
        {
            var worker = await _bench.StartWorkerAsync(settings: settings);
            if (kills == 0)
            {
                await _bench.ListenAsync();
                await _bench.PublishAsync(1);
            }

            await Eventually.TrueAsync("the image to be in work", () => _decoder.InWork().Count == 1);
            worker.Terminate();
            await worker.NotReadyAsync("stopping");
            await worker.KillAsync();
        }

        await FinishAsync();
    }

    private Dictionary<string, string> Shared() => new() { ["Journal:Folder"] = _decoder.Journals };

    private static Task InHandAsync(WorkerProcess worker, int count) => Eventually.TrueAsync(
        $"{count} in hand", async () => (await worker.MetricsAsync()).Sum("vlworker_in_flight_messages") >= count);

    private async Task FinishAsync(int redelivered = FaultBench.InHand)
    {
        await _bench.StartWorkerAsync(settings: Shared());
        await _bench.NothingIsLostAsync(redelivered);
    }
}
