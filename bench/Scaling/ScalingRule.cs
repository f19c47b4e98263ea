using System.Globalization;
using System.Text.Json.Nodes;
using VlWorker.Contracts;
using VlWorker.Deploy.Tests.Kubernetes;

namespace VlWorker.Bench.Scaling;

/// <summary>One lane's part of the rule.</summary>
/// <param name="Target">Messages a pod, ready and in hand.</param>
/// <param name="Rate">Messages published a second for a pod; 0 where the rate does not count.</param>
/// <param name="Prefetch">Messages that a pod holds at most.</param>
internal sealed record LaneRule(double Target, double Rate, int Prefetch);

/// <summary>What an overlay of deploy/k8s says about scaling, read from its manifests. Times in seconds.</summary>
internal sealed record ScalingRule(
    LaneRule Interactive,
    LaneRule Backfill,
    int MaxReplicas,
    int PollingInterval,
    int Cooldown,
    int StabilizeUp,
    int StabilizeDown,
    int PreStop,
    int Drain,
    int Grace)
{
    /// <summary>Whether messages in hand count; they do in KEDA's http mode, not over AMQP.</summary>
    public bool CountsInHand { get; init; } = true;

    /// <summary>Pods that may go at once and how long the next ones wait.</summary>
    public (int Pods, int Period) Down { get; init; } = (1, 60);

    /// <summary>Pods that may come within the period: so many, or as many again, whichever is more.</summary>
    public (int Pods, int Percent, int Period) Up { get; init; } = (2, 100, 30);

    /// <summary>Reads an overlay that KEDA scales.</summary>
    public static ScalingRule Read(string overlay)
    {
        var objects = Kustomization.Build(Path.Combine(Repository.Root, "deploy", "k8s", "overlays", overlay));
        var spec = objects.Single(item => item["kind"]!.ToString() == "ScaledObject")["spec"]!;
        var pod = objects.Single(item => item["kind"]!.ToString() == "Deployment")["spec"]!["template"]!["spec"]!;
        var container = pod["containers"]![0]!;
        var settings = container["env"]!.AsArray().Where(entry => entry!["value"] is not null)
            .ToDictionary(entry => entry!["name"]!.ToString(), entry => entry!["value"]!.ToString());
        var behavior = spec["advanced"]!["horizontalPodAutoscalerConfig"]!["behavior"]!;
        var (up, down) = (Policies(behavior["scaleUp"]!), Policies(behavior["scaleDown"]!));
        return new ScalingRule(
            Lane(spec, Topology.InteractiveQueue, settings, "Consuming__InteractivePrefetch", 64),
            Lane(spec, Topology.BackfillQueue, settings, "Consuming__BackfillPrefetch", 128),
            Number(spec["maxReplicaCount"]),
            Number(spec["pollingInterval"]),
            Number(spec["cooldownPeriod"]),
            Number(behavior["scaleUp"]!["stabilizationWindowSeconds"]),
            Number(behavior["scaleDown"]!["stabilizationWindowSeconds"]),
            int.Parse(container["lifecycle"]!["preStop"]!["exec"]!["command"]![1]!.ToString(), CultureInfo.InvariantCulture),
            (int)TimeSpan.Parse(settings["Consuming__GracePeriod"], CultureInfo.InvariantCulture).TotalSeconds,
            Number(pod["terminationGracePeriodSeconds"]))
        {
            Up = (up["Pods"].Value, up["Percent"].Value, up["Pods"].Period),
            Down = down["Pods"],
        };
    }

    private static LaneRule Lane(JsonNode spec, string queue, Dictionary<string, string> settings, string prefetch, int otherwise) => new(
        Trigger(spec, queue, "QueueLength"),
        Trigger(spec, queue, "MessageRate"),
        settings.TryGetValue(prefetch, out var value) ? int.Parse(value, CultureInfo.InvariantCulture) : otherwise);

    private static double Trigger(JsonNode spec, string queue, string mode) => double.Parse(
        spec["triggers"]!.AsArray().Select(trigger => trigger!["metadata"]!)
            .Single(trigger => trigger["queueName"]!.ToString() == queue && trigger["mode"]!.ToString() == mode)["value"]!.ToString(),
        CultureInfo.InvariantCulture);

    private static Dictionary<string, (int Value, int Period)> Policies(JsonNode rules) => rules["policies"]!.AsArray()
        .ToDictionary(policy => policy!["type"]!.ToString(), policy => (Number(policy!["value"]), Number(policy["periodSeconds"])));

    private static int Number(JsonNode? node) => (int)node!.GetValue<long>();
}
