using System.Diagnostics;
using VlWorker.Contracts;
using VlWorker.Integration.Infrastructure;

namespace VlWorker.Integration.Producer;

/// <summary>A backfill outlives its broker's restart and crash.</summary>
public sealed class BackfillOutageTests
{
    private const int Images = 3_000;
    private const int Window = 200;

    // The client gives a question 20 s.
    [Fact]
    [Trait("Category", "Full")]
    public async Task A_memory_alarm_that_lasts_stops_nobody()
    {
        var folder = Repository.NewFolder("alarm");
        await using var broker = await PrivateBroker.StartNewAsync();
        await ProducerFixture.DeclareAsync(broker);
        await using var worker = await FakeWorker.StartAsync(broker);
        var started = Stopwatch.StartNew();
        var running = RunAsync(broker.Uri, folder, "alarm", "--rate", "300", "--max-queue", "20");

        await Eventually.TrueAsync("it goes", () => worker.Backfilled > 200);
        await broker.CallAsync("vm_memory_monitor set_vm_memory_high_watermark [0.0001]");
        started.Restart();
        await Eventually.TrueAsync("the client's patience is over", () => started.Elapsed > TimeSpan.FromSeconds(30) || running.IsCompleted);
        Assert.False(running.IsCompleted, running.IsCompleted ? (await running).Error : "");
        await broker.CallAsync("vm_memory_monitor set_vm_memory_high_watermark [0.4]");

        var outcome = await running;
        Assert.True(outcome.Code == 0, outcome.Error);
        Assert.Contains("3,000 described", outcome.Error, StringComparison.Ordinal);
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    [Trait("Category", "Full")]
    public async Task A_broker_that_restarts_and_is_killed_loses_nothing()
    {
        var folder = Repository.NewFolder("outage");
        await using var broker = await PrivateBroker.StartNewAsync();
        await ProducerFixture.DeclareAsync(broker);
        var running = RunAsync(broker.Uri, folder, "outage", "--rate", "200", "--window", $"{Window}", "--no-wait", "--max-queue", "100000");

        await broker.WaitForAtLeastAsync(Topology.BackfillQueue, 300);
        await broker.RestartAsync();
        await broker.WaitForAtLeastAsync(Topology.BackfillQueue, 1_200);
        await broker.KillAsync();
        await broker.StartAsync();
        var outcome = await running;

        Assert.True(outcome.Code == 0, outcome.Error);
        Assert.Contains("connecting again", outcome.Error, StringComparison.Ordinal);
        await broker.WaitForAtLeastAsync(Topology.BackfillQueue, Images);
        var ids = (await broker.TakeAllAsync(Topology.BackfillQueue)).Select(message => message.Properties.MessageId!).ToList();
        Assert.Equal(Enumerable.Range(1, Images).Select(i => $"outage-{i}").Order(StringComparer.Ordinal), ids.Distinct().Order(StringComparer.Ordinal));
        Assert.InRange(ids.Count - Images, 0, 2 * Window);
        Directory.Delete(folder, recursive: true);
    }

    /// <summary>A backfill of a manifest in a folder, where its job file lies, too.</summary>
    private static async Task<Outcome> RunAsync(Uri broker, string folder, string job, params string[] more)
    {
        var manifest = Path.Combine(folder, "m.txt");
        await File.WriteAllLinesAsync(manifest, Enumerable.Range(1, Images).Select(i => $"{i}.jpg"));
        return await ProducerFixture.RunAsync(
            broker, Stream.Null, default,
            ["backfill", "--job", job, "--bucket", "photos", "--manifest", manifest, "--file", Path.Combine(folder, "j.vljob"), .. more]);
    }
}
