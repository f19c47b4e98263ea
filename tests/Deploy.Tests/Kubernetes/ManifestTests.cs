using System.Globalization;
using System.Text.Json.Nodes;
using VlWorker.Contracts;

namespace VlWorker.Deploy.Tests.Kubernetes;

public sealed class ManifestTests
{
    public static TheoryData<string> Overlays => [.. Directory.EnumerateDirectories(Repository.At("deploy/k8s/overlays")).Select(path => Path.GetFileName(path)!).Order()];

    [Theory]
    [MemberData(nameof(Overlays))]
    public async Task Every_object_is_valid_by_the_schema_of_its_kind(string overlay)
    {
        var problems = new List<string>();
        foreach (var item in new Workload(overlay).Objects)
            problems.AddRange(await Schemas.CheckAsync(item));

        Assert.Equal([], problems);
    }

    [Theory]
    [MemberData(nameof(Overlays))]
    public void One_thing_at_most_decides_about_the_number_of_pods(string overlay)
    {
        var workload = new Workload(overlay);
        var scalers = workload.Of("ScaledObject").Concat(workload.Of("HorizontalPodAutoscaler")).ToList();

        Assert.True(scalers.Count <= 1, "two autoscalers on one Deployment");
        Assert.True(scalers.Count == 1 ^ workload.Deployment["spec"]!["replicas"] is not null, "either something scales or the number is fixed");
        foreach (var scaler in scalers)
        {
            var target = scaler["spec"]!["scaleTargetRef"]!;
            Assert.Equal("apps/v1 Deployment vl-worker", $"{target["apiVersion"]} {target["kind"]} {target["name"]}");
        }
    }

    [Theory]
    [MemberData(nameof(Overlays))]
    public void Selectors_select_the_workers_pods_and_ports_are_theirs(string overlay)
    {
        var workload = new Workload(overlay);
        var ports = workload.Container["ports"]!.AsArray().Select(port => port!["name"]!.ToString()).ToHashSet();
        JsonNode?[] selectors =
        [
            workload.Deployment["spec"]!["selector"]!["matchLabels"], workload.Of("Service").Single()["spec"]!["selector"],
            workload.Of("PodDisruptionBudget").Single()["spec"]!["selector"]!["matchLabels"], workload.Of("NetworkPolicy").Single()["spec"]!["podSelector"]!["matchLabels"],
            workload.Of("PodMonitor").Single()["spec"]!["selector"]!["matchLabels"],
            .. workload.Pod["topologySpreadConstraints"]!.AsArray().Select(constraint => constraint!["labelSelector"]!["matchLabels"]),
        ];

        Assert.All(selectors, selector => Assert.All(selector!.AsObject(), label => Assert.Equal(label.Value!.ToString(), workload.Labels[label.Key]?.ToString())));
        string[] named =
        [
            .. workload.Of("Service").Single()["spec"]!["ports"]!.AsArray().Select(port => port!["targetPort"]!.ToString()),
            .. workload.Of("PodMonitor").Single()["spec"]!["podMetricsEndpoints"]!.AsArray().Select(endpoint => endpoint!["port"]!.ToString()),
            .. new[] { "startupProbe", "livenessProbe", "readinessProbe" }.Select(probe => workload.Container[probe]!["httpGet"]!["port"]!.ToString()),
            .. workload.Of("NetworkPolicy").Single()["spec"]!["ingress"]!.AsArray().SelectMany(rule => rule!["ports"]!.AsArray()).Select(port => port!["port"]!.ToString()),
        ];
        Assert.Equal([], named.Where(port => !ports.Contains(port)));
        Assert.All(workload.Objects, item => Assert.Equal("vlworker", item["metadata"]!["namespace"]?.ToString()));
        Assert.Equal(workload.Pod["serviceAccountName"]!.ToString(), workload.Of("ServiceAccount").Single()["metadata"]!["name"]!.ToString());
    }

    [Theory]
    [MemberData(nameof(Overlays))]
    public void The_worker_accepts_its_settings_and_gets_the_time_to_drain(string overlay)
    {
        var workload = new Workload(overlay);
        var options = workload.Options();
        var preStop = double.Parse(workload.Container["lifecycle"]!["preStop"]!["exec"]!["command"]![1]!.ToString(), CultureInfo.InvariantCulture);

        Assert.True(workload.Pod["terminationGracePeriodSeconds"]!.GetValue<long>() > preStop + options.Hosting.ShutdownSeconds, "the kubelet would kill a worker that drains");
        Assert.True(options.Hosting.ShutdownSeconds > options.Consuming.GracePeriod.TotalSeconds);
        Assert.Equal(overlay is "gpu" or "fixed" ? "cuda:0" : "cpu", options.Inference.Devices.Single().Name);
    }

    [Theory]
    [MemberData(nameof(Overlays))]
    public void What_pods_hold_never_asks_for_more_pods(string overlay)
    {
        var workload = new Workload(overlay);
        var targets = workload.Targets();

        foreach (var lane in targets.Count == 0 ? [] : workload.Options().Consuming.Lanes())
            Assert.True(targets[lane.Queue] > lane.Prefetch, $"{lane.Queue}: the target {targets[lane.Queue]} is not above the prefetch {lane.Prefetch}");
        Assert.All(targets.Keys, queue => Assert.Contains(queue, Topology.RequestQueues.Select(known => known.Name)));
        Assert.Equal(targets.Count == 0 ? 0 : Topology.RequestQueues.Count, targets.Count);
    }

    [Theory]
    [InlineData("cpu")]
    [InlineData("gpu")]
    public void Keda_counts_what_is_in_hand_scales_to_none_and_shrinks_slowly(string overlay)
    {
        var workload = new Workload(overlay);
        var spec = workload.Of("ScaledObject").Single()["spec"]!;
        var authentication = workload.Of("TriggerAuthentication").Single()["metadata"]!["name"]!.ToString();

        Assert.Equal(0, spec["minReplicaCount"]!.GetValue<long>());
        Assert.All(spec["triggers"]!.AsArray(), trigger =>
        {
            Assert.Equal("http", trigger!["metadata"]!["protocol"]!.ToString());
            Assert.True(trigger["metadata"]!["mode"]!.ToString() == "MessageRate" || trigger["metadata"]!["excludeUnacknowledged"]!.ToString() == "false");
            Assert.Equal(authentication, trigger["authenticationRef"]!["name"]!.ToString());
        });
        var down = spec["advanced"]!["horizontalPodAutoscalerConfig"]!["behavior"]!["scaleDown"]!;
        Assert.True(down["stabilizationWindowSeconds"]!.GetValue<long>() >= 300);
        Assert.Equal("Pods 1", $"{down["policies"]!.AsArray().Single()!["type"]} {down["policies"]![0]!["value"]}");
    }

    [Theory]
    [MemberData(nameof(Overlays))]
    public void Pods_run_without_root_without_privileges_and_without_secrets_in_the_manifests(string overlay)
    {
        var workload = new Workload(overlay);
        var (pod, container) = (workload.Pod["securityContext"]!, workload.Container["securityContext"]!);

        Assert.True(pod["runAsNonRoot"]!.GetValue<bool>());
        Assert.Equal("RuntimeDefault", pod["seccompProfile"]!["type"]!.ToString());
        Assert.True(container["readOnlyRootFilesystem"]!.GetValue<bool>());
        Assert.False(container["allowPrivilegeEscalation"]!.GetValue<bool>());
        Assert.Equal("ALL", container["capabilities"]!["drop"]!.AsArray().Single()!.ToString());
        Assert.False(workload.Pod["automountServiceAccountToken"]!.GetValue<bool>());
        Assert.Equal([], workload.Container["env"]!.AsArray()
            .Where(entry => entry!["value"] is not null && entry["name"]!.ToString() is "Broker__Uri" or "Store__AccessKey" or "Store__SecretKey"));
        Assert.Empty(workload.Of("Secret"));
        var limits = workload.Container["resources"]!;
        Assert.Equal(limits["requests"]!["cpu"]!.ToString(), limits["limits"]!["cpu"]!.ToString());
        var mounts = workload.Container["volumeMounts"]!.AsArray().Select(mount => mount!["name"]!.ToString()).Order();
        Assert.Equal(workload.Pod["volumes"]!.AsArray().Select(volume => volume!["name"]!.ToString()).Order(), mounts);
    }

    [Fact]
    public void Three_pods_have_a_gpu_each_where_nothing_scales()
    {
        var workload = new Workload("fixed");

        Assert.Equal(3, workload.Deployment["spec"]!["replicas"]!.GetValue<long>());
        Assert.Equal("1", workload.Container["resources"]!["limits"]!["nvidia.com/gpu"]!.ToString());
        Assert.EndsWith("-gpu", workload.Container["image"]!.ToString(), StringComparison.Ordinal);
    }
}
