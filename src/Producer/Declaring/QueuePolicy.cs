using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using VlWorker.Contracts;

namespace VlWorker.Producer.Declaring;

/// <summary>What a policy is to say about one of the queues.</summary>
/// <param name="Queue">The queue.</param>
/// <param name="Settings">Names and values, as in <c>rabbitmqctl set_policy</c>.</param>
internal sealed record QueuePolicy(string Queue, IReadOnlyDictionary<string, string> Settings)
{
    /// <summary>Above what somebody may have set for all queues.</summary>
    private const int Priority = 10;

    /// <summary>Settings under which a message could vanish without an answer.</summary>
    public static IReadOnlyList<string> Harmful { get; } = ["message-ttl", "expires"];

    /// <summary>Name of the policy on the broker.</summary>
    public string Name => $"vlworker {Queue}";

    /// <summary>Reads <c>queue:name=value</c> entries, and joins those of one queue.</summary>
    /// <exception cref="ProducerException">One is of another form, or names a queue that is not ours.</exception>
    public static IReadOnlyList<QueuePolicy> Parse(IEnumerable<string> entries) =>
        [.. entries.Select(ParseOne).GroupBy(entry => entry.Queue).Select(group => new QueuePolicy(group.Key, Join(group)))];

    /// <summary>The policy as the management API takes it.</summary>
    public JsonObject ToJson()
    {
        var definition = new JsonObject();
        foreach (var (name, value) in Settings)
            definition[name] = long.TryParse(value, CultureInfo.InvariantCulture, out var number) ? JsonValue.Create(number) : JsonValue.Create(value);
        return new JsonObject
        {
            ["pattern"] = $"^{Regex.Escape(Queue)}$",
            ["definition"] = definition,
            ["apply-to"] = "queues",
            ["priority"] = Priority,
        };
    }

    private static Dictionary<string, string> Join(IEnumerable<(string Queue, string Name, string Value)> entries)
    {
        var settings = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (queue, name, value) in entries)
        {
            if (!settings.TryAdd(name, value))
                throw new ProducerException(ExitCode.Usage, $"--policy sets {name} of {queue} twice");
        }

        return settings;
    }

    private static (string Queue, string Name, string Value) ParseOne(string entry)
    {
        var colon = entry.IndexOf(':', StringComparison.Ordinal);
        var equals = entry.IndexOf('=', StringComparison.Ordinal);
        if (colon <= 0 || equals <= colon + 1 || equals == entry.Length - 1)
            throw new ProducerException(ExitCode.Usage, $"--policy '{entry}' is not of the form queue:setting=value");
        var (queue, name, value) = (entry[..colon], entry[(colon + 1)..equals], entry[(equals + 1)..]);
        if (!Topology.Queues.Any(known => known.Name == queue))
            throw new ProducerException(ExitCode.Usage, $"--policy '{entry}': '{queue}' is none of the queues {string.Join(", ", Topology.Queues.Select(q => q.Name))}");
        if (Harmful.Contains(name))
            throw new ProducerException(ExitCode.Usage, $"--policy '{entry}': with {name} messages would vanish without an answer");
        return (queue, name, value);
    }
}
