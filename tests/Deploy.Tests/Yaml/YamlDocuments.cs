using System.Globalization;
using System.Text.Json.Nodes;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace VlWorker.Deploy.Tests.Yaml;

/// <summary>YAML as JSON, by the core schema: plain scalars are null, booleans, numbers or strings, quoted ones strings. Anchors and merge keys are resolved.</summary>
internal static class YamlDocuments
{
    /// <summary>All documents of a file.</summary>
    /// <exception cref="YamlException">It is not YAML, or a key stands there twice.</exception>
    public static IReadOnlyList<JsonNode> Load(string path) => Parse(File.ReadAllText(path));

    /// <summary>All documents of a text.</summary>
    public static IReadOnlyList<JsonNode> Parse(string text)
    {
        var stream = new YamlStream();
        using var reader = new StringReader(text);
        stream.Load(reader);
        return [.. stream.Documents.Select(document => Convert(document.RootNode)!).Where(node => node is not null)];
    }

    private static JsonNode? Convert(YamlNode node) => node switch
    {
        YamlMappingNode mapping => Convert(mapping),
        YamlSequenceNode sequence => new JsonArray([.. sequence.Select(Convert)]),
        YamlScalarNode { Style: ScalarStyle.Plain } plain => Plain(plain.Value ?? ""),
        YamlScalarNode scalar => JsonValue.Create(scalar.Value),
        _ => throw new InvalidDataException($"unexpected {node.NodeType}"),
    };

    private static JsonObject Convert(YamlMappingNode mapping)
    {
        var result = new JsonObject();
        foreach (var (key, value) in mapping.Where(entry => Key(entry.Key) == "<<"))
        {
            foreach (var (name, merged) in (JsonObject)Convert(value)!)
                result[name] = merged?.DeepClone();
        }

        foreach (var (key, value) in mapping.Where(entry => Key(entry.Key) != "<<"))
            result[Key(key)] = Convert(value);
        return result;
    }

    private static string Key(YamlNode key) => ((YamlScalarNode)key).Value ?? "";

    private static JsonValue? Plain(string text) => text switch
    {
        "" or "~" or "null" => null,
        "true" => JsonValue.Create(true),
        "false" => JsonValue.Create(false),
        _ when long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole) => JsonValue.Create(whole),
        _ when double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && char.IsAsciiDigit(text[^1]) => JsonValue.Create(number),
        _ => JsonValue.Create(text),
    };
}
