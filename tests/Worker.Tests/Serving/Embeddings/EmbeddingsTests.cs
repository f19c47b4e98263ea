using System.Net;
using System.Runtime.InteropServices;
using System.Text.Json;
using VlWorker.Contracts;

namespace VlWorker.Worker.Tests.Serving.Embeddings;

/// <summary>What /v1/embeddings answers, with the demo models behind it.</summary>
[Collection(nameof(WithDemoModels))]
public sealed class EmbeddingsTests(DemoModelsWorker demo)
{
    private static readonly string DataUrl = "data:image/jpeg;base64," + Convert.ToBase64String(RestWorker.Sample("0000.jpg"));

    [Fact]
    public async Task Texts_and_images_come_back_in_order_in_one_space()
    {
        var (response, json) = await AskAsync($$$"""
            {"model":"demo-clip","input":["a red circle",{"text":"a red circle"},"{{{DataUrl}}}",{"image":{"bucket":"samples","key":"0000.jpg"}},{"image":"{{{DataUrl}}}"}]}
            """);

        Assert.True(response.IsSuccessStatusCode, json.GetRawText());
        Assert.Equal(("list", "demo-clip"), (json.GetProperty("object").GetString(), json.GetProperty("model").GetString()));
        var data = json.GetProperty("data").EnumerateArray().ToArray();
        Assert.Equal([0, 1, 2, 3, 4], data.Select(item => item.GetProperty("index").GetInt32()));
        Assert.All(data, item => Assert.Equal(("embedding", 1d), (item.GetProperty("object").GetString(), Math.Round(Dot(Values(item), Values(item)), 3))));
        Assert.True(Dot(Values(data[0]), Values(data[1])) > 0.999);
        Assert.True(Dot(Values(data[2]), Values(data[3])) > 0.999 && Dot(Values(data[2]), Values(data[4])) > 0.999);
        Assert.True(json.GetProperty("usage").GetProperty("prompt_tokens").GetInt32() > 4);
        Assert.Equal(json.GetProperty("usage").GetProperty("prompt_tokens").GetInt32(), json.GetProperty("usage").GetProperty("total_tokens").GetInt32());
    }

    [Fact]
    public async Task A_text_finds_its_image_among_others()
    {
        var truth = JsonDocument.Parse(File.ReadAllText(Path.Combine(RestWorker.Samples, "truth.json"))).RootElement.EnumerateArray()
            .DistinctBy(entry => entry.GetProperty("caption").GetString()).Take(8)
            .Select(entry => (File: entry.GetProperty("file").GetString()!, Caption: entry.GetProperty("caption").GetString()!)).ToArray();
        var inputs = truth.Select(entry => JsonSerializer.Serialize(entry.Caption))
            .Concat(truth.Select(entry => $$$"""{"image":{"bucket":"samples","key":"{{{entry.File}}}"}}"""));

        var (_, json) = await AskAsync($$"""{"input":[{{string.Join(',', inputs)}}]}""");

        var vectors = json.GetProperty("data").EnumerateArray().Select(Values).ToArray();
        for (var text = 0; text < truth.Length; text++)
        {
            var nearest = Enumerable.Range(0, truth.Length).MaxBy(image => Dot(vectors[text], vectors[truth.Length + image]));
            Assert.Equal(truth[text].File, truth[nearest].File);
        }
    }

    [Fact]
    public async Task Base64_is_the_same_vector()
    {
        var (_, json) = await AskAsync("""{"input":"a blue square","encoding_format":"base64","dimensions":128}""");
        var (_, plain) = await AskAsync("""{"input":"a blue square","encoding_format":"float"}""");

        var bytes = json.GetProperty("data")[0].GetProperty("embedding").GetBytesFromBase64();
        Assert.True(Dot(MemoryMarshal.Cast<byte, float>(bytes).ToArray(), Values(plain.GetProperty("data")[0])) > 0.999);
    }

    [Fact]
    public async Task A_data_url_with_escaped_slashes_is_the_same_image()
    {
        var (_, json) = await AskAsync($$"""{"input":["{{DataUrl.Replace("/", "\\/", StringComparison.Ordinal)}}","{{DataUrl}}"]}""");

        Assert.True(Dot(Values(json.GetProperty("data")[0]), Values(json.GetProperty("data")[1])) > 0.999);
    }

    [Theory]
    [InlineData("{}", RejectionReason.BadRequest, 400)]
    [InlineData("[]", RejectionReason.BadRequest, 400)]
    [InlineData("{", RejectionReason.BadRequest, 400)]
    [InlineData("""{"input":[]}""", RejectionReason.BadRequest, 400)]
    [InlineData("""{"input":[[1,2]]}""", RejectionReason.BadRequest, 400)]
    [InlineData("""{"input":7}""", RejectionReason.BadRequest, 400)]
    [InlineData("""{"input":{"sound":"x"}}""", RejectionReason.BadRequest, 400)]
    [InlineData("""{"input":{"text":"a","image":{"bucket":"samples","key":"0002.png"}}}""", RejectionReason.BadRequest, 400)]
    [InlineData("""{"input":"a","model":7}""", RejectionReason.BadRequest, 400)]
    [InlineData("""{"input":"a","encoding_format":"hex"}""", RejectionReason.BadRequest, 400)]
    [InlineData("""{"input":"a","dimensions":7}""", RejectionReason.BadRequest, 400)]
    [InlineData("""{"input":{"image":"https://example.org/cat.jpg"}}""", RejectionReason.BadRequest, 400)]
    [InlineData("""{"input":{"image":{"bucket":"samples"}}}""", RejectionReason.BadRequest, 400)]
    [InlineData("""{"input":"data:image/png;base64,%%%"}""", RejectionReason.BadRequest, 400)]
    [InlineData("""{"input":"data:image/png,plain"}""", RejectionReason.BadRequest, 400)]
    [InlineData("""{"input":"data:image/png;base64,"}""", RejectionReason.Empty, 422)]
    [InlineData("""{"input":"data:image/png;base64,AAAA"}""", RejectionReason.UnsupportedFormat, 415)]
    [InlineData("""{"input":"a","model":"text-embedding-3-small"}""", RejectionReason.UnknownModel, 404)]
    [InlineData("""{"input":"a","model":"demo-captioner"}""", RejectionReason.UnsupportedTask, 400)]
    [InlineData("""{"input":{"image":{"bucket":"others","key":"a"}}}""", RejectionReason.BucketNotAllowed, 403)]
    public async Task What_can_not_be_embedded_is_a_problem_that_openai_clients_read_too(string body, string reason, int status)
    {
        var problem = await demo.Worker.RefusedAsync("/v1/embeddings", RestWorker.Json(body), (HttpStatusCode)status, reason);

        Assert.Equal((problem.GetProperty("detail").GetString(), reason), (problem.GetProperty("error").GetProperty("message").GetString(), problem.GetProperty("error").GetProperty("code").GetString()));
    }

    [Fact]
    public async Task Of_many_inputs_the_one_at_fault_is_named()
    {
        var problem = await demo.Worker.RefusedAsync(
            "/v1/embeddings", RestWorker.Json("""{"input":["a",{"image":{"bucket":"samples","key":"none"}},"b"]}"""), HttpStatusCode.NotFound, RejectionReason.NotFound);

        Assert.StartsWith("input[1]: ", problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task More_inputs_than_are_taken_are_refused()
    {
        var many = string.Join(',', Enumerable.Repeat("\"a\"", 129));

        await demo.Worker.RefusedAsync("/v1/embeddings", RestWorker.Json($$"""{"input":[{{many}}]}"""), HttpStatusCode.BadRequest, RejectionReason.BadRequest);
    }

    private Task<(HttpResponseMessage Response, JsonElement Json)> AskAsync(string json) => demo.Worker.PostAsync("/v1/embeddings", RestWorker.Json(json));

    private static float[] Values(JsonElement item) => [.. item.GetProperty("embedding").EnumerateArray().Select(value => value.GetSingle())];

    private static double Dot(float[] a, float[] b) => a.Zip(b, (x, y) => (double)x * y).Sum();
}
