using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Configuration;
using VlWorker.Hosting;

namespace VlWorker.Deploy.Tests.Kubernetes;

/// <summary>The objects of an overlay, and what the Deployment in it says.</summary>
internal sealed class Workload(string overlay)
{
    /// <summary>All objects.</summary>
    public IReadOnlyList<JsonObject> Objects { get; } = Kustomization.Build(Repository.At($"deploy/k8s/overlays/{overlay}"));

    /// <summary>The Deployment.</summary>
    public JsonObject Deployment => Of("Deployment").Single();

    /// <summary>The pods' specification.</summary>
    public JsonObject Pod => Deployment["spec"]!["template"]!["spec"]!.AsObject();

    /// <summary>The worker's container.</summary>
    public JsonObject Container => Pod["containers"]!.AsArray().Single()!.AsObject();

    /// <summary>The pods' labels.</summary>
    public JsonObject Labels => Deployment["spec"]!["template"]!["metadata"]!["labels"]!.AsObject();

    /// <summary>The objects of a kind.</summary>
    public IEnumerable<JsonObject> Of(string kind) => Objects.Where(item => item["kind"]!.ToString() == kind);

    /// <summary>The worker's settings, secrets replaced by something of the right form.</summary>
    public WorkerOptions Options()
    {
        var settings = Container["env"]!.AsArray().ToDictionary(
            entry => entry!["name"]!.ToString().Replace("__", ":", StringComparison.Ordinal),
            entry => (string?)(entry!["value"] is { } value ? Mounted(value.ToString()) : Secret(entry)));
        return WorkerOptions.Read(new ConfigurationBuilder().AddInMemoryCollection(settings).Build());
    }

    /// <summary>Targets of messages a pod by queue, from the ScaledObject or the HorizontalPodAutoscaler; empty if nothing scales.</summary>
    public IReadOnlyDictionary<string, double> Targets()
    {
        var triggers = Of("ScaledObject").SelectMany(item => item["spec"]!["triggers"]!.AsArray())
            .Where(trigger => trigger!["metadata"]!["mode"]!.ToString() == "QueueLength")
            .Select(trigger => (Queue: trigger!["metadata"]!["queueName"]!.ToString(), Value: trigger["metadata"]!["value"]!.ToString()));
        var metrics = Of("HorizontalPodAutoscaler").SelectMany(item => item["spec"]!["metrics"]!.AsArray())
            .Where(metric => metric!["external"]!["metric"]!["name"]!.ToString() == "vl_queue_messages")
            .Select(metric => (
                Queue: metric!["external"]!["metric"]!["selector"]!["matchLabels"]!["queue"]!.ToString(),
                Value: metric["external"]!["target"]!["averageValue"]!.ToString()));
        return triggers.Concat(metrics).ToDictionary(entry => entry.Queue, entry => double.Parse(entry.Value, CultureInfo.InvariantCulture), StringComparer.Ordinal);
    }

    /// <summary>A file that the pod would have, in place of a path below the mounted secrets; a path that no item has stays as it is.</summary>
    private string Mounted(string value)
    {
        var mount = Container["volumeMounts"]!.AsArray().Single(entry => entry!["name"]!.ToString() == "secrets")!["mountPath"]!.ToString();
        var items = Pod["volumes"]!.AsArray().Single(entry => entry!["name"]!.ToString() == "secrets")!["secret"]!["items"]!.AsArray();
        return items.Any(item => value == $"{mount}/{item!["path"]}") ? Repository.At("LICENSE") : value;
    }

    private static string Secret(JsonNode entry) => entry["valueFrom"]!["secretKeyRef"]!["key"]!.ToString() switch
    {
        "broker-uri" => "amqp://worker@rabbitmq:5672/vl",
        "store-endpoint" => "https://s3.example.org",
        var key => key,
    };
}
