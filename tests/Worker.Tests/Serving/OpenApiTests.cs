using System.Net;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using NJsonSchema;
using VlWorker.Contracts;
using VlWorker.Serving.Embeddings;
using VlWorker.Serving.Predict;
using VlWorker.Serving.Problems;

namespace VlWorker.Worker.Tests.Serving;

/// <summary>/openapi.json says what the worker does: compared with the routes, the types, and real answers.</summary>
[Collection(nameof(WithDemoModels))]
public sealed class OpenApiTests(DemoModelsWorker demo)
{
    private static readonly Dictionary<string, Type> Types = new()
    {
        ["ImageReference"] = typeof(ImageReference),
        ["GenerationOptions"] = typeof(GenerationOptions),
        ["Prediction"] = typeof(Prediction),
        ["PredictedImage"] = typeof(PredictedImage),
        ["Output"] = typeof(Output),
        ["ModelReference"] = typeof(ModelReference),
        ["Caption"] = typeof(Caption),
        ["Embedding"] = typeof(Embedding),
        ["Detection"] = typeof(Detection),
        ["Box"] = typeof(Box),
        ["Classification"] = typeof(Classification),
        ["LabelScore"] = typeof(LabelScore),
        ["Timings"] = typeof(Timings),
        ["EmbeddingsResponse"] = typeof(EmbeddingsResponse),
        ["EmbeddingItem"] = typeof(EmbeddingItem),
        ["EmbeddingsUsage"] = typeof(EmbeddingsUsage),
        ["Problem"] = typeof(ProblemDocument),
        ["OpenAiError"] = typeof(OpenAiError),
    };

    [Fact]
    public async Task Its_paths_are_the_routes()
    {
        var document = await DocumentAsync();
        var routes = demo.Worker.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .Where(endpoint => endpoint.RoutePattern.RawText is { } path && path != "/" && !path.StartsWith("/status", StringComparison.Ordinal))
            .SelectMany(endpoint => (endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? ["GET"]).Select(method => $"{method} {endpoint.RoutePattern.RawText}"));
        var told = document["paths"]!.AsObject().SelectMany(path => path.Value!.AsObject().Select(method => $"{method.Key.ToUpperInvariant()} {path.Key}"));

        Assert.Equal(routes.Distinct().Order(), told.Order());
        Assert.Equal("3.1.0", (string?)document["openapi"]);
    }

    [Fact]
    public async Task Its_schemas_have_the_fields_of_the_types()
    {
        var schemas = (await DocumentAsync())["components"]!["schemas"]!.AsObject();
        foreach (var (name, type) in Types)
            Assert.Equal((name, string.Join(' ', Names(type))), (name, string.Join(' ', Fields(schemas, name))));

        // What is asked is a message, less what only messages have, with bucket and key beside it.
        var message = Names(typeof(DescribeImage)).Except(["jobId"]).ToArray();
        Assert.Equal(message.Except(["image"]), Fields(schemas, "PredictOptions"));
        Assert.Equal(message.Concat(Names(typeof(ImageReference))).Order(StringComparer.Ordinal), Fields(schemas, "PredictReference"));
        Assert.Equal(ProblemTypes.All.Order(), schemas["Problem"]!["properties"]!["reason"]!["enum"]!.AsArray().Select(reason => (string)reason!).Order());
    }

    [Fact]
    public async Task Its_answers_to_each_status_name_the_reasons_of_that_status()
    {
        var document = await DocumentAsync();
        foreach (var path in new[] { PredictEndpoint.Path, EmbeddingsEndpoint.Path })
        {
            var told = document["paths"]![path]!["post"]!["responses"]!.AsObject().Where(answer => answer.Key != "200")
                .SelectMany(answer => ((string)answer.Value!["description"]!).Split(", ").Select(reason => $"{answer.Key} {reason}"));
            var known = ProblemTypes.All.Except([ProblemTypes.NoSuchPath, ProblemTypes.MethodNotAllowed]).Select(reason => $"{ProblemTypes.StatusOf(reason)} {reason}");
            Assert.Equal(known.Order(), told.Order());
        }
    }

    [Fact]
    public async Task Real_answers_are_valid()
    {
        var (_, bytes) = await demo.Worker.PostAsync("/predict", RestWorker.Bytes(RestWorker.Sample("0000.jpg")));
        var (_, stored) = await demo.Worker.PostAsync("/predict", RestWorker.Json("""{"bucket":"samples","key":"0001.jpg","generation":{"numBeams":2,"numReturnSequences":2},"embeddingEncoding":"base64"}"""));
        var (_, vectors) = await demo.Worker.PostAsync("/v1/embeddings", RestWorker.Json("""{"input":["a","b"]}"""));
        var problem = await demo.Worker.RefusedAsync("/v1/embeddings", RestWorker.Json("{}"), HttpStatusCode.BadRequest, RejectionReason.BadRequest);

        Assert.Empty(await FaultsAsync("Prediction", bytes));
        Assert.Empty(await FaultsAsync("Prediction", stored));
        Assert.Empty(await FaultsAsync("EmbeddingsResponse", vectors));
        Assert.Empty(await FaultsAsync("Problem", problem));
        Assert.NotEmpty(await FaultsAsync("Prediction", problem));
    }

    private async Task<IEnumerable<string>> FaultsAsync(string schema, JsonElement answer)
    {
        var definitions = (await DocumentAsync())["components"]!["schemas"]!.ToJsonString().Replace("#/components/schemas/", "#/definitions/", StringComparison.Ordinal);
        var root = await JsonSchema.FromJsonAsync($$"""{"allOf":[{"$ref":"#/definitions/{{schema}}"}],"definitions":{{definitions}}}""");
        return root.Validate(answer.GetRawText()).Select(fault => fault.ToString());
    }

    private async Task<JsonNode> DocumentAsync() => JsonNode.Parse(await demo.Worker.Client.GetStringAsync(new Uri("/openapi.json", UriKind.Relative)))!;

    private static IEnumerable<string> Fields(JsonObject schemas, string name) =>
        schemas[name]!["properties"]!.AsObject().Select(property => property.Key).Order(StringComparer.Ordinal);

    private static IEnumerable<string> Names(Type type) => type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
        .Select(property => property.GetCustomAttribute<JsonPropertyNameAttribute>()?.Name ?? JsonNamingPolicy.CamelCase.ConvertName(property.Name))
        .Order(StringComparer.Ordinal);
}
