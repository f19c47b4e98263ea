using System.Text.Json.Nodes;
using VlWorker.Deploy.Tests.Yaml;

namespace VlWorker.Deploy.Tests.Kubernetes;

/// <summary>
/// The part of kustomize that deploy/k8s uses: resources, components, namespace, labels, images, replicas, and patches of both kinds.
/// Everything else in a kustomization is an error. `kubectl kustomize` gives the same objects.
/// </summary>
internal static class Kustomization
{
    private static readonly HashSet<string> Known =
        ["apiVersion", "kind", "namespace", "labels", "resources", "components", "patches", "images", "replicas"];

    /// <summary>The objects of an overlay.</summary>
    /// <exception cref="InvalidDataException">It uses what this does not know, or refers to what is not there.</exception>
    public static IReadOnlyList<JsonObject> Build(string folder)
    {
        var objects = new List<JsonObject>();
        Apply(folder, objects);
        return objects;
    }

    private static void Apply(string folder, List<JsonObject> objects)
    {
        var file = YamlDocuments.Load(Path.Combine(folder, "kustomization.yaml")).Single().AsObject();
        if (file.FirstOrDefault(entry => !Known.Contains(entry.Key)).Key is { } unknown)
            throw new InvalidDataException($"{folder}: '{unknown}' is not known here");
        foreach (var path in Texts(file["resources"]).Select(resource => Path.Combine(folder, resource)))
        {
            if (Directory.Exists(path))
                objects.AddRange(Build(path));
            else
                objects.AddRange(YamlDocuments.Load(path).Select(document => document.AsObject()));
        }

        // A component changes what is there so far.
        foreach (var component in Texts(file["components"]))
            Apply(Path.Combine(folder, component), objects);
        foreach (var patch in Entries(file["patches"]))
            Patch(folder, patch, objects);
        foreach (var image in Entries(file["images"]))
            Containers(objects).Where(container => Name(container["image"]!.ToString()) == image["name"]!.ToString()).ToList()
                .ForEach(container => container["image"] = $"{image["newName"] ?? image["name"]}:{image["newTag"]}");
        foreach (var replicas in Entries(file["replicas"]))
            objects.Single(item => Is(item, "Deployment", replicas["name"]!.ToString()))["spec"]!["replicas"] = replicas["count"]!.DeepClone();
        foreach (var label in Entries(file["labels"]))
            Label(objects, label);
        if (file["namespace"] is { } space)
            objects.ForEach(item => item["metadata"]!["namespace"] = space.DeepClone());
    }

    private static void Patch(string folder, JsonObject patch, List<JsonObject> objects)
    {
        var document = YamlDocuments.Parse(patch["path"] is { } path ? File.ReadAllText(Path.Combine(folder, path.ToString())) : patch["patch"]!.ToString()).Single();
        if (document is JsonArray operations)
        {
            var target = objects.Single(item => Is(item, patch["target"]!["kind"]!.ToString(), patch["target"]!["name"]!.ToString()));
            foreach (var operation in operations)
                JsonPatch.Apply(target, operation!.AsObject());
        }
        else
        {
            var target = objects.SingleOrDefault(item => Is(item, document["kind"]!.ToString(), document["metadata"]!["name"]!.ToString()))
                ?? throw new InvalidDataException($"{folder}: nothing to patch with {document["kind"]} {document["metadata"]!["name"]}");
            StrategicMerge.Apply(target, document.AsObject());
        }
    }

    private static void Label(List<JsonObject> objects, JsonObject label)
    {
        foreach (var (name, value) in label["pairs"]!.AsObject())
        {
            foreach (var item in objects)
            {
                Add(item["metadata"]!.AsObject(), name, value!);
                if (label["includeTemplates"]?.GetValue<bool>() == true && item["spec"]?["template"]?["metadata"] is JsonObject template)
                    Add(template, name, value!);
            }
        }

        static void Add(JsonObject metadata, string name, JsonNode value)
        {
            metadata["labels"] ??= new JsonObject();
            metadata["labels"]![name] = value.DeepClone();
        }
    }

    private static IEnumerable<JsonObject> Containers(IEnumerable<JsonObject> objects) => objects.Select(item => item["spec"]?["template"]?["spec"]?["containers"])
        .OfType<JsonArray>().SelectMany(containers => containers).Select(container => container!.AsObject());

    private static string Name(string image) => image.Split(':')[0];

    private static bool Is(JsonObject item, string kind, string name) => item["kind"]!.ToString() == kind && item["metadata"]!["name"]!.ToString() == name;

    private static IEnumerable<string> Texts(JsonNode? list) => list?.AsArray().Select(entry => entry!.ToString()) ?? [];

    private static IEnumerable<JsonObject> Entries(JsonNode? list) => list?.AsArray().Select(entry => entry!.AsObject()) ?? [];
}
