using System.Text.Json;
using System.Text.Json.Nodes;
using YamlDotNet.Core;
using YamlDotNet.Serialization;

namespace VlWorker.Contracts.Tests.AsyncApi;

/// <summary>docs/asyncapi.yaml as JSON.</summary>
internal static class Document
{
    public static JsonObject Root { get; } = Parse();

    public static JsonObject Schemas => Root["components"]!["schemas"]!.AsObject();

    public static JsonObject Channels => Root["channels"]!.AsObject();

    /// <summary>What a reference inside the document points to; anything else is returned as it is.</summary>
    public static JsonNode Resolve(JsonNode node)
    {
        if (node is not JsonObject || node["$ref"] is not { } reference)
            return node;
        var path = reference.GetValue<string>();
        Assert.StartsWith("#/", path, StringComparison.Ordinal);
        var target = path[2..].Split('/').Aggregate((JsonNode?)Root, (at, name) => at?[name]);
        return Resolve(target ?? throw new InvalidOperationException($"nothing at {path}"));
    }

    /// <summary>The texts of a list.</summary>
    public static IEnumerable<string> Texts(JsonNode? list) => list?.AsArray().Select(item => item!.GetValue<string>()) ?? [];

    private static JsonObject Parse()
    {
        var yaml = new DeserializerBuilder().WithAttemptingUnquotedStringTypeDeserialization().Build()
            .Deserialize<object>(new MergingParser(new Parser(new StringReader(Repository.Read("docs/asyncapi.yaml")))));
        return JsonSerializer.SerializeToNode(yaml)!.AsObject();
    }
}
