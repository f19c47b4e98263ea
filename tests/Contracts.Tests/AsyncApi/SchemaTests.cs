using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace VlWorker.Contracts.Tests.AsyncApi;

/// <summary>The schemas say of every message what the types say, and nothing else.</summary>
public sealed class SchemaTests
{
    private static readonly string[] Requests = [nameof(DescribeImage), nameof(DescribeText), nameof(ImageReference), nameof(GenerationOptions)];

    public static TheoryData<Type> Types => new(MessageTypes);

    private static IEnumerable<Type> MessageTypes => typeof(DescribeImage).Assembly.GetExportedTypes().Where(IsMessageType);

    [Theory]
    [MemberData(nameof(Types))]
    public void Every_property_is_described_with_its_type_and_no_other(Type type)
    {
        foreach (var schema in SchemasOf(type))
            AssertProperties(type, schema);
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void Required_fields_of_results_are_those_of_the_types(Type type)
    {
        if (Requests.Contains(type.Name))
            return;
        var required = type.GetProperties().Where(p => p.IsDefined(typeof(RequiredMemberAttribute))).Select(Name);

        Assert.Equal(required.Order(), Document.Texts(Document.Schemas[type.Name]!["required"]).Order());
    }

    [Fact]
    public void Schemas_and_types_are_the_same_set()
    {
        // Schemas of values and headers have no type of their own.
        string[] others =
        [
            "RequestHeaders", "AnswerHeaders", "DeadLetterHeaders", "RejectedImage", "Task", "EmbeddingEncoding", "ScoreFunction", "JobId", "Deadline", "Context",
            "RejectionReason", "Sha256", "ResultId", "ContentId",
        ];

        Assert.Equal(MessageTypes.Select(type => type.Name).Concat(others).Order(), Document.Schemas.Select(s => s.Key).Order());
    }

    [Fact]
    public void Closed_lists_are_the_code_s()
    {
        Assert.Equal(RejectionReason.All, Document.Texts(Document.Schemas["RejectionReason"]!["enum"]));
        Assert.Equal(Tasks.All, Document.Texts(Document.Schemas["Task"]!["enum"]));
        Assert.Equal(Tasks.All, Document.Schemas["DescribeImage"]!["properties"]!["models"]!["properties"]!.AsObject().Select(p => p.Key));
        Assert.Equal(EmbeddingEncodings.All, Document.Texts(Document.Schemas["EmbeddingEncoding"]!["enum"]));
        Assert.Equal(ScoreFunctions.All, Document.Texts(Document.Schemas["ScoreFunction"]!["enum"]));
        var dead = Document.Schemas["DeadLetterHeaders"]!["properties"]![Topology.DeadReasonHeader]!;
        Assert.Equal(DeadLetterReason.All, Document.Texts(dead["enum"]));
        Assert.Equal(DeadLetterReason.All, dead["x-meanings"]!.AsObject().Select(item => item.Key));
    }

    private static void AssertProperties(Type type, JsonNode schema)
    {
        Assert.Equal("object", schema["type"]!.GetValue<string>());
        var described = schema["properties"]!.AsObject();
        Assert.Equal(Properties(type).Select(Name).Order(), described.Select(p => p.Key).Order());
        foreach (var property in Properties(type))
            AssertType(property.PropertyType, Document.Resolve(described[Name(property)]!), described[Name(property)]!, $"{type.Name}.{property.Name}");
    }

    private static void AssertType(Type type, JsonNode schema, JsonNode unresolved, string where)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        Assert.True(JsonTypeOf(type) == schema["type"]?.GetValue<string>(), $"{where} is {type} but described as {schema.ToJsonString()}");
        if (type == typeof(DateTimeOffset))
            Assert.Equal("date-time", schema["format"]!.GetValue<string>());
        else if (IsMessageType(type))
            Assert.Contains(SchemasOf(type), candidate => candidate == Document.Resolve(unresolved));
        else if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IReadOnlyList<>))
            AssertType(type.GetGenericArguments()[0], Document.Resolve(schema["items"]!), schema["items"]!, where + "[]");
        else if (type.IsGenericType)
            Assert.All(ValuesOf(schema), value => AssertType(type.GetGenericArguments()[1], value, value, where + "{}"));
    }

    /// <summary>The values of a map: under any name, or under the names of a closed list.</summary>
    private static IEnumerable<JsonNode> ValuesOf(JsonNode schema) =>
        schema["properties"]?.AsObject().Select(p => p.Value!) ?? [schema["additionalProperties"]!];

    private static string JsonTypeOf(Type type) => type switch
    {
        _ when type == typeof(string) || type == typeof(DateTimeOffset) => "string",
        _ when type == typeof(int) || type == typeof(long) => "integer",
        _ when type == typeof(double) || type == typeof(float) => "number",
        _ when type == typeof(bool) => "boolean",
        _ when type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IReadOnlyList<>) => "array",
        _ => "object",
    };

    /// <summary>A rejection repeats the image as it was asked for, complete or not: the same type has a laxer schema there.</summary>
    private static IEnumerable<JsonNode> SchemasOf(Type type) => type == typeof(ImageReference)
        ? [Document.Schemas["ImageReference"]!, Document.Schemas["RejectedImage"]!]
        : [Document.Schemas[type.Name] ?? throw new InvalidOperationException($"{type.Name} has no schema")];

    private static bool IsMessageType(Type type) => type.IsClass && !type.IsAbstract && type.Assembly == typeof(DescribeImage).Assembly
        && type != typeof(ContractsJson) && type != typeof(Answer) && type != typeof(RequestQueue) && type != typeof(WaitQueue)
        && type != typeof(DeclaredExchange) && type != typeof(DeclaredQueue);

    private static IEnumerable<PropertyInfo> Properties(Type type) => type.GetProperties().Where(p => p.Name != "EqualityContract");

    private static string Name(PropertyInfo property) => JsonNamingPolicy.CamelCase.ConvertName(property.Name);
}
