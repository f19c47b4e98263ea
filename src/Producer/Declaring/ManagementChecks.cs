using System.Text.Json.Nodes;
using VlWorker.Contracts;

namespace VlWorker.Producer.Declaring;

/// <summary>What only the management API knows: all arguments that differ, bindings and policies.</summary>
internal sealed class ManagementChecks(ManagementApi api, CancellationToken cancellation)
{
    /// <summary>What differs about a queue that exists; nothing if it is as it must be.</summary>
    public async Task<IReadOnlyList<string>> QueueAsync(DeclaredQueue queue, QueuePolicy? policy)
    {
        if (await api.FindAsync("queues", queue.Name, cancellation) is not { } found)
            return [];
        var differences = Arguments(queue, found["arguments"] as JsonObject).ToList();
        differences.AddRange(Policy(found, policy));
        var bindings = await api.BindingsAsync(queue.Name, cancellation) ?? [];
        if (!bindings.Any(binding => $"{binding!["source"]}" == queue.Exchange && $"{binding["routing_key"]}" == queue.RoutingKey))
            differences.Add($"not bound to {queue.Exchange} by '{queue.RoutingKey}'");
        return differences;
    }

    private static IEnumerable<string> Arguments(DeclaredQueue queue, JsonObject? found)
    {
        foreach (var (name, value) in queue.Arguments)
        {
            var theirs = found?[name];
            if (theirs?.ToString() != Convert.ToString(value, System.Globalization.CultureInfo.InvariantCulture))
                yield return $"{name} must be '{value}' but is {(theirs is null ? "not set" : $"'{theirs}'")}";
        }

        foreach (var (name, value) in found ?? [])
        {
            if (!queue.Arguments.ContainsKey(name))
                yield return $"{name} must not be set but is '{value}'";
        }
    }

    // Without a policy the API gives an empty list in place of an object.
    private static IEnumerable<string> Policy(JsonObject found, QueuePolicy? wanted)
    {
        var definition = found["effective_policy_definition"] as JsonObject;
        foreach (var harmful in QueuePolicy.Harmful)
        {
            if (definition?[harmful] is { } value)
                yield return $"the policy '{found["policy"]}' sets {harmful} to {value}: messages vanish without an answer";
        }

        foreach (var (name, value) in wanted?.Settings ?? new Dictionary<string, string>())
        {
            if (definition?[name]?.ToString() != value)
                yield return $"the policy must set {name} to {value} but {(definition?[name] is { } theirs ? $"sets it to {theirs}" : "does not set it")}";
        }
    }
}
