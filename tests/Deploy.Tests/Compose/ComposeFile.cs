using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using VlWorker.Deploy.Tests.Yaml;

namespace VlWorker.Deploy.Tests.Compose;

/// <summary>docker-compose.yml with the variables of .env in their places, and what is wrong with it.</summary>
internal sealed partial class ComposeFile
{
    private static readonly HashSet<string> ServiceKeys =
    [
        "image", "build", "hostname", "command", "entrypoint", "environment", "volumes", "ports", "healthcheck", "restart", "depends_on", "profiles", "read_only",
        "cap_drop", "security_opt", "tmpfs", "stop_grace_period", "deploy", "networks", "secrets",
    ];

    private readonly JsonObject _root;

    private ComposeFile(JsonObject root, IReadOnlyDictionary<string, string> variables) => (_root, Variables) = (root, variables);

    /// <summary>The variables of .env.</summary>
    public IReadOnlyDictionary<string, string> Variables { get; }

    /// <summary>The services by name.</summary>
    public IReadOnlyDictionary<string, JsonObject> Services => _root["services"]!.AsObject().ToDictionary(entry => entry.Key, entry => entry.Value!.AsObject());

    /// <summary>Reads the repository's.</summary>
    public static ComposeFile Load()
    {
        var variables = File.ReadLines(Repository.At(".env")).Select(line => line.Trim()).Where(line => line.Length > 0 && !line.StartsWith('#'))
            .Select(line => line.Split('=', 2)).ToDictionary(pair => pair[0], pair => pair[1], StringComparer.Ordinal);
        return Parse(File.ReadAllText(Repository.At("docker-compose.yml")), variables);
    }

    /// <summary>Reads a text.</summary>
    /// <exception cref="InvalidDataException">A variable has no value.</exception>
    public static ComposeFile Parse(string text, IReadOnlyDictionary<string, string> variables)
    {
        var filled = Variable().Replace(text, match => variables.TryGetValue(match.Groups["name"].Value, out var value) ? value
            : match.Groups["default"].Success ? match.Groups["default"].Value
            : throw new InvalidDataException($"{match.Value} has no value in .env"));
        return new ComposeFile(YamlDocuments.Parse(filled).Single().AsObject(), variables);
    }

    /// <summary>The variables of a service's environment.</summary>
    public IReadOnlyDictionary<string, string> Environment(string service) => Services[service]["environment"] is JsonObject entries
        ? entries.ToDictionary(entry => entry.Key, entry => entry.Value!.ToString(), StringComparer.Ordinal)
        : new Dictionary<string, string>();

    /// <summary>Everything that is wrong, one sentence each.</summary>
    /// <param name="exists">Whether a path below the repository's root is there.</param>
    public IEnumerable<string> Problems(Func<string, bool> exists) => Services.SelectMany(service =>
        Service(service.Key, service.Value, exists).Select(problem => $"{service.Key}: {problem}"));

    private IEnumerable<string> Service(string name, JsonObject service, Func<string, bool> exists)
    {
        foreach (var key in service.Select(entry => entry.Key).Where(key => !ServiceKeys.Contains(key)))
            yield return $"'{key}' is not a key of a service, or not one that we use";
        var image = (string?)service["image"] ?? "";
        if (!Version().IsMatch(image))
            yield return $"image '{image}' has no version";
        foreach (var path in Paths(service).Where(path => !exists(path)))
            yield return $"there is no {path}";
        foreach (var volume in Volumes(service).Where(volume => !volume.StartsWith('.') && _root["volumes"]?[volume] is null && !Declared(volume)))
            yield return $"volume {volume} is not declared";
        foreach (var (other, condition) in Dependencies(service))
        {
            if (!Services.TryGetValue(other, out var needed))
                yield return $"depends on {other}, which is not there";
            else if (condition == "service_healthy" && needed["healthcheck"] is null && needed["build"] is null)
                yield return $"waits for {other} to be healthy, which has no health check";
            else if (needed["profiles"] is not null && service["depends_on"]![other]!["required"]?.GetValue<bool>() is not false)
                yield return $"depends on {other}, which a profile may leave out";
        }

        foreach (var port in Ports(service).Where(port => !port.StartsWith("127.0.0.1:", StringComparison.Ordinal)))
            yield return $"port {port} is open to the network";
        if (service["build"] is not null && (service["read_only"]?.GetValue<bool>() is not true || service["cap_drop"]?[0]?.ToString() != "ALL"))
            yield return "an image of ours runs with a read-only root and without capabilities";
        if (service["restart"] is null && !name.StartsWith("samples-", StringComparison.Ordinal))
            yield return "a server restarts unless it was stopped";
    }

    private bool Declared(string volume) => _root["volumes"] is JsonObject volumes && volumes.ContainsKey(volume);

    private static IEnumerable<string> Volumes(JsonObject service) => service["volumes"]?.AsArray().Select(volume => volume!.ToString().Split(':')[0]) ?? [];

    private static IEnumerable<string> Paths(JsonObject service) => Volumes(service).Where(volume => volume.StartsWith('.'))
        .Concat(service["build"] is { } build ? [build["dockerfile"]!.ToString()] : []).Select(path => path.StartsWith("./", StringComparison.Ordinal) ? path[2..] : path);

    private static IEnumerable<string> Ports(JsonObject service) => service["ports"]?.AsArray().Select(port => port!.ToString()) ?? [];

    private static IEnumerable<(string Service, string Condition)> Dependencies(JsonObject service) =>
        service["depends_on"]?.AsObject().Select(entry => (entry.Key, entry.Value!["condition"]!.ToString())) ?? [];

    [GeneratedRegex(@"\$\{(?<name>[A-Z_]+)(:-(?<default>[^}]*))?\}")]
    private static partial Regex Variable();

    [GeneratedRegex(@"^[a-z0-9./-]+:v?[0-9]+\.[0-9]+")]
    private static partial Regex Version();
}
