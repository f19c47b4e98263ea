using System.Text;
using System.Text.Json.Nodes;
using NJsonSchema;

namespace VlWorker.Contracts.Tests.AsyncApi;

/// <summary>The schemas accept what the code accepts and refuse what it refuses.</summary>
public sealed class ValidationTests
{
    public static TheoryData<string> Names => new(Samples.All.Keys);

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Golden_documents_are_valid(string name)
    {
        var schema = await SchemaAsync(Samples.All[name].GetType().Name);
        var json = Repository.Read($"tests/Contracts.Tests/Golden/{name}.json");

        Assert.Empty(schema.Validate(json).Select(error => error.ToString()));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Unknown_fields_are_valid_and_missing_ones_are_not(string name)
    {
        var type = Samples.All[name].GetType().Name;
        var schema = await SchemaAsync(type);
        var document = JsonNode.Parse(Repository.Read($"tests/Contracts.Tests/Golden/{name}.json"))!.AsObject();
        document["unknown"] = new JsonObject { ["x"] = 1 };
        Assert.Empty(schema.Validate(document.ToJsonString()));
        foreach (var field in Document.Texts(Document.Schemas[type]!["required"]))
        {
            var without = document.DeepClone().AsObject();
            without.Remove(field);
            Assert.NotEmpty(schema.Validate(without.ToJsonString()));
        }
    }

    [Theory]
    [InlineData("""{"id":"","image":{"bucket":"b","key":"k"}}""")]
    [InlineData("""{"id":"1","image":{"bucket":"b"}}""")]
    [InlineData("""{"id":"1","image":{"bucket":"b","key":"k","etag":""}}""")]
    [InlineData("""{"id":"1","image":{"bucket":"b","key":"k"},"tasks":[]}""")]
    [InlineData("""{"id":"1","image":{"bucket":"b","key":"k"},"tasks":["caption","caption"]}""")]
    [InlineData("""{"id":"1","image":{"bucket":"b","key":"k"},"tasks":[null]}""")]
    [InlineData("""{"id":"1","image":{"bucket":"b","key":"k"},"models":{"caption":null}}""")]
    [InlineData("""{"id":"1","image":{"bucket":"b","key":"k"},"models":{"captoin":"x"}}""")]
    [InlineData("""{"id":"1","image":{"bucket":"b","key":"k"},"embeddingEncoding":"hex"}""")]
    [InlineData("""{"id":"1","image":{"bucket":"b","key":"k"},"context":{"a":null}}""")]
    public async Task What_the_rules_refuse_the_schema_refuses(string json)
    {
        Assert.NotEmpty(ContractsJson.Read<DescribeImage>(Encoding.UTF8.GetBytes(json)).Validate());
        Assert.NotEmpty((await SchemaAsync(nameof(DescribeImage))).Validate(json));
    }

    [Fact]
    public void Bounds_of_parameters_are_the_rules_bounds()
    {
        foreach (var (name, schema) in Document.Schemas["GenerationOptions"]!["properties"]!.AsObject())
        {
            if (schema!["minimum"] is not { } minimum)
                continue;
            var step = schema["type"]!.GetValue<string>() == "integer" ? 1 : 0.0005;
            var (low, high) = (Number(minimum), Number(schema["maximum"]!));
            Assert.All([low, high], value => Assert.Empty(Errors(name, value)));
            Assert.All([low - step, high + step], value => Assert.Single(Errors(name, value)));
        }
    }

    [Fact]
    public void Bounds_of_lengths_are_those_of_the_code()
    {
        var image = Document.Schemas["DescribeImage"]!["properties"]!;
        var reference = Document.Schemas["ImageReference"]!["properties"]!;
        (JsonNode? Described, int Meant)[] bounds =
        [
            (image["id"]!["maxLength"], RequestLimits.IdBytes), (image["tasks"]!["maxItems"], RequestLimits.Tasks),
            (image["moreImages"]!["maxItems"], RequestLimits.Images - 1), (image["labels"]!["maxItems"], RequestLimits.Labels),
            (image["labels"]!["items"]!["maxLength"], RequestLimits.LabelLength), (image["labelTemplate"]!["maxLength"], RequestLimits.LabelLength),
            (Document.Schemas["GenerationOptions"]!["properties"]!["stop"]!["maxItems"], RequestLimits.Stops),
            (Document.Schemas["GenerationOptions"]!["properties"]!["stop"]!["items"]!["maxLength"], RequestLimits.StopLength),
            (image["prompt"]!["maxLength"], RequestLimits.PromptLength), (image["models"]!["properties"]!["caption"]!["maxLength"], RequestLimits.NameBytes),
            (reference["bucket"]!["maxLength"], RequestLimits.NameBytes), (reference["key"]!["maxLength"], RequestLimits.KeyBytes),
            (reference["etag"]!["maxLength"], RequestLimits.NameBytes), (reference["versionId"]!["maxLength"], RequestLimits.NameBytes),
            (Document.Schemas["JobId"]!["maxLength"], RequestLimits.IdBytes), (Document.Schemas["Context"]!["maxProperties"], RequestLimits.ContextEntries),
            (Document.Schemas["DescribeText"]!["properties"]!["text"]!["maxLength"], RequestLimits.TextLength),
        ];

        Assert.All(bounds, bound => Assert.Equal(bound.Meant, Number(bound.Described!)));
    }

    [Fact]
    public async Task An_output_has_what_its_task_gives_and_nothing_else()
    {
        var schema = await SchemaAsync(nameof(Output));
        var output = JsonNode.Parse(Repository.Read("tests/Contracts.Tests/Golden/image-described.json"))!["outputs"]![0]!.AsObject();
        Assert.Empty(schema.Validate(output.ToJsonString()));

        output["embedding"] = new JsonObject { ["dimensions"] = 1, ["values"] = new JsonArray(1) };
        Assert.NotEmpty(schema.Validate(output.ToJsonString()));
        output.Remove("embedding");
        output.Remove("caption");
        Assert.NotEmpty(schema.Validate(output.ToJsonString()));
    }

    private static IReadOnlyList<string> Errors(string name, double value)
    {
        var json = new JsonObject
        {
            ["id"] = "1",
            ["image"] = new JsonObject { ["bucket"] = "b", ["key"] = "k" },
            ["generation"] = new JsonObject { [name] = value == Math.Floor(value) ? JsonValue.Create((long)value) : JsonValue.Create(value) },
        };
        return ContractsJson.Read<DescribeImage>(Encoding.UTF8.GetBytes(json.ToJsonString())).Validate();
    }

    private static double Number(JsonNode node) => double.Parse(node.ToJsonString(), System.Globalization.CultureInfo.InvariantCulture);

    private static Task<JsonSchema> SchemaAsync(string name)
    {
        var definitions = Document.Schemas.ToJsonString().Replace("#/components/schemas/", "#/definitions/", StringComparison.Ordinal);
        return JsonSchema.FromJsonAsync($$"""{"allOf":[{"$ref":"#/definitions/{{name}}"}],"definitions":{{definitions}}}""");
    }
}
