using System.Text.Json.Nodes;
using k8s;
using k8s.Models;
using NJsonSchema;
using VlWorker.Deploy.Tests.Yaml;

namespace VlWorker.Deploy.Tests.Kubernetes;

/// <summary>
/// Judges an object by the schema of its kind: for built-in kinds the types of Kubernetes' own client, which refuse fields that don't exist;
/// for KEDA's and Prometheus' kinds the schemas beside this file, written from their public documentation.
/// </summary>
internal static class Schemas
{
    private static readonly Dictionary<string, Action<string>> BuiltIn = new(StringComparer.Ordinal)
    {
        ["apps/v1 Deployment"] = Read<V1Deployment>,
        ["v1 Service"] = Read<V1Service>,
        ["v1 ServiceAccount"] = Read<V1ServiceAccount>,
        ["policy/v1 PodDisruptionBudget"] = Read<V1PodDisruptionBudget>,
        ["networking.k8s.io/v1 NetworkPolicy"] = Read<V1NetworkPolicy>,
        ["autoscaling/v2 HorizontalPodAutoscaler"] = Read<V2HorizontalPodAutoscaler>,
    };

    private static readonly Lazy<Task<Dictionary<string, JsonSchema>>> Custom = new(LoadAsync);

    /// <summary>What is wrong; nothing if it is as its kind demands.</summary>
    public static async Task<IReadOnlyList<string>> CheckAsync(JsonObject item)
    {
        var kind = $"{item["apiVersion"]} {item["kind"]}";
        if (BuiltIn.TryGetValue(kind, out var read))
        {
            try
            {
                read(item.ToJsonString());
                return [];
            }
            catch (Exception error) when (error is YamlDotNet.Core.YamlException or FormatException or System.Text.Json.JsonException)
            {
                return [$"{kind}: {error.Message} {error.InnerException?.Message}"];
            }
        }

        return (await Custom.Value).TryGetValue(kind, out var schema)
            ? [.. schema.Validate(item.ToJsonString()).Select(error => $"{kind}: {error}")]
            : [$"{kind}: an unknown kind"];
    }

    private static void Read<T>(string json) => KubernetesYaml.Deserialize<T>(json, strict: true);

    private static async Task<Dictionary<string, JsonSchema>> LoadAsync()
    {
        var schemas = new Dictionary<string, JsonSchema>(StringComparer.Ordinal);
        foreach (var file in Directory.EnumerateFiles(Repository.At("tests/Deploy.Tests/Kubernetes/Schemas"), "*.yaml"))
        {
            var schema = YamlDocuments.Load(file).Single();
            var properties = schema["properties"]!;
            schemas.Add($"{properties["apiVersion"]!["enum"]![0]} {properties["kind"]!["enum"]![0]}", await JsonSchema.FromJsonAsync(schema.ToJsonString()));
        }

        return schemas;
    }
}
