using System.Text.Json.Nodes;

namespace VlWorker.Deploy.Tests.Kubernetes;

/// <summary>Kubernetes' strategic merge of built-in kinds: objects are merged, lists of named things by their names, other lists replaced.</summary>
internal static class StrategicMerge
{
    /// <summary>The lists that are merged, with the field that names an entry (patchMergeKey in Kubernetes' API).</summary>
    private static readonly Dictionary<string, string> MergeKeys = new(StringComparer.Ordinal)
    {
        ["containers"] = "name",
        ["env"] = "name",
        ["volumes"] = "name",
        ["volumeMounts"] = "mountPath",
        ["ports"] = "containerPort",
    };

    /// <summary>Puts a patch into a target.</summary>
    public static void Apply(JsonObject target, JsonObject patch)
    {
        foreach (var (name, value) in patch)
        {
            switch (target[name], value)
            {
                case (_, null):
                    target.Remove(name);
                    break;
                case (JsonObject inner, JsonObject change):
                    Apply(inner, change);
                    break;
                case (JsonArray list, JsonArray changes) when MergeKeys.TryGetValue(name, out var key):
                    foreach (var change in changes.Select(change => change!.AsObject()))
                        Apply(list, change, key);
                    break;
                default:
                    target[name] = value.DeepClone();
                    break;
            }
        }
    }

    private static void Apply(JsonArray list, JsonObject change, string key)
    {
        if (list.Select(entry => entry!.AsObject()).FirstOrDefault(entry => entry[key]!.ToString() == change[key]!.ToString()) is { } entry)
            Apply(entry, change);
        else
            list.Add(change.DeepClone());
    }
}
