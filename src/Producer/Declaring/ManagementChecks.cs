using System.Globalization;
using System.Text.Json;
using VlWorker.Contracts;

namespace VlWorker.Producer.Declaring;

/// <summary>What only the management API knows: all arguments that differ, bindings and policies.</summary>
internal sealed class ManagementChecks(ManagementApi api, CancellationToken cancellation)
{
    /// <summary>What differs about a queue that exists; nothing if it is as it must be.</summary>
    /// <exception cref="ProducerException">The API can't be asked.</exception>
    public async Task<IReadOnlyList<string>> QueueAsync(DeclaredQueue queue, QueuePolicy? policy)
    {
        if (await api.QueueAsync(queue.Name, cancellation) is not { ValueKind: JsonValueKind.Object } found)
            return ["the management API knows no such queue: is it another broker's, or does it know the virtual host by another name?"];
        return Compare(queue, policy, found, await api.BindingsAsync(queue.Name, cancellation) ?? default);
    }

    /// <summary>What differs between a queue as it must be and as the API describes it.</summary>
    /// <param name="queue">The queue as it must be.</param>
    /// <param name="policy">What a policy must say about it; null for no wish.</param>
    /// <param name="found">The API's answer about the queue, an object.</param>
    /// <param name="bindings">Its answer about the queue's bindings, an array.</param>
    internal static IReadOnlyList<string> Compare(DeclaredQueue queue, QueuePolicy? policy, JsonElement found, JsonElement bindings)
    {
        List<string> differences = [.. Arguments(queue, Values(found, "arguments")), .. Policy(found, policy)];
        var bound = bindings.ValueKind == JsonValueKind.Array && bindings.EnumerateArray().Any(
            binding => Text(binding, "source") == queue.Exchange && Text(binding, "routing_key") == queue.RoutingKey);
        if (!bound)
            differences.Add($"not bound to {queue.Exchange} by '{queue.RoutingKey}'");
        return differences;
    }

    private static IEnumerable<string> Arguments(DeclaredQueue queue, Dictionary<string, string> found)
    {
        foreach (var (name, value) in queue.Arguments)
        {
            var theirs = found.GetValueOrDefault(name);
            if (theirs != Convert.ToString(value, CultureInfo.InvariantCulture))
                yield return $"{name} must be '{value}' but is {(theirs is null ? "not set" : $"'{theirs}'")}";
        }

        foreach (var (name, value) in found)
        {
            if (!queue.Arguments.ContainsKey(name))
                yield return $"{name} must not be set but is '{value}'";
        }
    }

    private static IEnumerable<string> Policy(JsonElement found, QueuePolicy? wanted)
    {
        var definition = Values(found, "effective_policy_definition");
        foreach (var harmful in QueuePolicy.Harmful)
        {
            if (definition.GetValueOrDefault(harmful) is { } value)
                yield return $"the policy '{Text(found, "policy")}' sets {harmful} to {value}: messages vanish without an answer";
        }

        foreach (var (name, value) in wanted?.Settings ?? new Dictionary<string, string>())
        {
            var theirs = definition.GetValueOrDefault(name);
            if (theirs != value)
                yield return $"the policy must set {name} to {value} but {(theirs is null ? "does not set it" : $"sets it to {theirs}")}";
        }
    }

    // Where there is nothing, the API gives an empty list in place of an object.
    private static Dictionary<string, string> Values(JsonElement parent, string name)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        if (parent.TryGetProperty(name, out var found) && found.ValueKind == JsonValueKind.Object)
        {
            foreach (var property in found.EnumerateObject())
                values[property.Name] = property.Value.ToString();
        }

        return values;
    }

    private static string Text(JsonElement parent, string name) => parent.TryGetProperty(name, out var value) ? value.ToString() : "";
}
