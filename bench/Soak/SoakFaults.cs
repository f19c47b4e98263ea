using VlWorker.Bench.Pipeline;
using VlWorker.Integration.Faults;

namespace VlWorker.Bench.Soak;

/// <summary>What goes wrong in a soak, one thing at a time. Everything is mended again when a fault's method returns.</summary>
internal sealed class SoakFaults(Services services, SoakWorkers workers, FaultProxy broker, FaultProxy store, Random random)
{
    /// <summary>The kinds by name.</summary>
    public IReadOnlyList<(string Name, Func<Task> InjectAsync)> Kinds =>
    [
        ("worker: SIGKILL", () => workers.KillAsync(random, all: false)),
        ("worker: SIGKILL to all", () => workers.KillAsync(random, all: true)),
        ("worker: SIGTERM, another takes its place", ReplaceAsync),
        ("broker: restart", () => services.BrokerAsync("restart")),
        ("broker: SIGKILL", KillBrokerAsync),
        ("broker: memory alarm", BlockAsync),
        ("broker: connections cut", () => broker.CutAsync(reset: true)),
        ("broker: connections cut before the confirm", () => HoldAndCutAsync(new FaultPlan { Connections = Traffic.IsPublisher, StallAfter = 0 })),
        ("broker: connections cut between confirm and ack", () => HoldAndCutAsync(new FaultPlan { Connections = Traffic.IsConsumer, Freeze = true })),
        ("store: gone", StoreGoneAsync),
        ("store: 503 to everything", () => HoldAsync(FaultPlan.Status(503, "SlowDown"))),
        ("store: 503 to half of the images", () => HoldAsync(FaultPlan.Status(503, "SlowDown", Half))),
        ("store: slow", () => HoldAsync(new FaultPlan { Matches = Traffic.IsImage, Delay = TimeSpan.FromSeconds(1) })),
        ("store: bodies stall", () => HoldAsync(new FaultPlan { Matches = Traffic.IsImage, StallAfter = 1_000 })),
        ("store: half of the bodies cut short", () => HoldAsync(new FaultPlan { Matches = Half, CutAfter = 1_000 })),
    ];

    private static bool Half(string line) => Traffic.IsImage(line) && Random.Shared.Next(2) == 0;

    private Task ReplaceAsync()
    {
        workers.Replace(random);
        return Task.CompletedTask;
    }

    private async Task KillBrokerAsync()
    {
        await services.BrokerAsync("kill");
        await services.BrokerAsync("start");
    }

    private async Task BlockAsync()
    {
        await services.BrokerAsync("call", "vm_memory_monitor set_vm_memory_high_watermark [0.0001]");
        await PauseAsync(4, 10);
        await services.BrokerAsync("call", "vm_memory_monitor set_vm_memory_high_watermark [0.4]");
    }

    private async Task HoldAndCutAsync(FaultPlan plan)
    {
        broker.Plan = plan;
        await PauseAsync(1, 5);
        broker.Plan = FaultPlan.None;
        await broker.CutAsync(reset: true);
    }

    private async Task StoreGoneAsync()
    {
        await services.StoreAsync("kill-gateway");
        await PauseAsync(3, 12);
        await services.StoreAsync("start-gateway");
    }

    private async Task HoldAsync(FaultPlan plan)
    {
        store.Plan = plan;
        await PauseAsync(4, 12);
        store.Plan = FaultPlan.None;
    }

    private Task PauseAsync(int least, int most) => Task.Delay(TimeSpan.FromSeconds(least + (random.NextDouble() * (most - least))));
}
