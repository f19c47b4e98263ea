using System.Globalization;
using System.Text.Json.Nodes;

namespace VlWorker.Deploy.Tests.Kubernetes;

/// <summary>One operation of RFC 6902: add, replace or remove.</summary>
internal static class JsonPatch
{
    /// <exception cref="InvalidDataException">The path does not exist, or the operation is another.</exception>
    public static void Apply(JsonNode root, JsonObject operation)
    {
        var path = operation["path"]!.ToString();
        var parts = path.Split('/').Skip(1).Select(part => part.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal)).ToArray();
        var parent = parts[..^1].Aggregate(root, (node, part) => (node is JsonArray list ? list[Index(part)] : node[part])
            ?? throw new InvalidDataException($"{path}: there is no {part}"));
        var (name, value) = (parts[^1], operation["value"]?.DeepClone());
        switch (operation["op"]!.ToString(), parent)
        {
            case ("replace", JsonObject target) when target.ContainsKey(name):
            case ("add", JsonObject):
                parent[name] = value;
                break;
            case ("replace", JsonArray target) when Index(name) < target.Count:
                target[Index(name)] = value;
                break;
            case ("add", JsonArray target):
                target.Insert(name == "-" ? target.Count : Index(name), value);
                break;
            case ("remove", JsonObject target) when target.Remove(name):
                break;
            case ("remove", JsonArray target) when Index(name) < target.Count:
                target.RemoveAt(Index(name));
                break;
            default:
                throw new InvalidDataException($"{operation["op"]} {path} can't be done");
        }
    }

    private static int Index(string part) => int.Parse(part, CultureInfo.InvariantCulture);
}
