using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text.Json;
using VlWorker.Contracts;

namespace VlWorker.Worker.Tests.Serving.Predict;

/// <summary>What /predict answers, with the demo models behind it.</summary>
[Collection(nameof(WithDemoModels))]
public sealed class PredictTests(DemoModelsWorker demo)
{
    private const string Sample = "0000.jpg";

    private static readonly string Sha256Hex = Convert.ToHexStringLower(SHA256.HashData(RestWorker.Sample(Sample)));

    [Fact]
    public async Task Bytes_get_caption_embedding_and_timings()
    {
        var (response, json) = await demo.Worker.PostAsync("/predict", RestWorker.Bytes(RestWorker.Sample(Sample)));

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal((Sha256Hex, "jpeg", false), (json.GetProperty("image").GetProperty("sha256").GetString(), json.GetProperty("image").GetProperty("format").GetString(), json.GetProperty("image").TryGetProperty("bucket", out _)));
        var outputs = json.GetProperty("outputs").EnumerateArray().ToArray();
        Assert.Equal(["caption", "embedding"], outputs.Select(output => output.GetProperty("task").GetString()));
        Assert.False(string.IsNullOrWhiteSpace(outputs[0].GetProperty("caption").GetProperty("text").GetString()));
        var vector = outputs[1].GetProperty("embedding").GetProperty("values").EnumerateArray().Select(value => value.GetSingle()).ToArray();
        Assert.Equal(1, vector.Sum(value => (double)value * value), 3);
        Assert.True(json.GetProperty("timings").GetProperty("inference").GetDouble() > 0);
        Assert.True(json.GetProperty("timings").GetProperty("batchSize").GetInt32() >= 1);
        Assert.EndsWith("Z", json.GetProperty("producedAt").GetString(), StringComparison.Ordinal);
        // An upload lies nowhere: its content is its identity.
        Assert.All(outputs, output => Assert.Equal(output.GetProperty("contentId").GetString(), output.GetProperty("resultId").GetString()));
    }

    [Theory]
    [InlineData("""{"bucket":"samples","key":"0000.jpg"}""")]
    [InlineData("""{"image":{"bucket":"samples","key":"0000.jpg"},"tasks":["caption","embedding"]}""")]
    public async Task An_object_of_the_store_gets_the_ids_and_the_caption_that_its_message_would(string body)
    {
        var (_, stored) = await demo.Worker.PostAsync("/predict", RestWorker.Json(body));
        var (_, sent) = await demo.Worker.PostAsync("/predict", RestWorker.Bytes(RestWorker.Sample(Sample)));

        Assert.Equal(("samples", Sample), (stored.GetProperty("image").GetProperty("bucket").GetString(), stored.GetProperty("image").GetProperty("key").GetString()));
        Assert.Equal(Caption(sent), Caption(stored));
        var (there, here) = (stored.GetProperty("outputs")[1], sent.GetProperty("outputs")[1]);
        Assert.Equal(here.GetProperty("contentId").GetString(), there.GetProperty("contentId").GetString());
        Assert.Equal(
            ResultIds.ResultId("samples", Sample, Sha256Hex, Tasks.Embedding, there.GetProperty("model").GetProperty("revision").GetString()!, ""),
            there.GetProperty("resultId").GetString());
    }

    [Fact]
    public async Task A_form_carries_an_image_and_what_is_asked_of_it()
    {
        using var form = new MultipartFormDataContent
        {
            { RestWorker.Json("""{"id":"42","tasks":["caption"],"generation":{"maxNewTokens":2},"context":{"shop":"7"}}"""), "request" },
            { RestWorker.Bytes(RestWorker.Sample("0002.png"), "image/png"), "image", "0002.png" },
        };

        var (response, json) = await demo.Worker.PostAsync("/predict", form);

        Assert.True(response.IsSuccessStatusCode, json.GetRawText());
        Assert.Equal(("42", "7", "png"), (json.GetProperty("id").GetString(), json.GetProperty("context").GetProperty("shop").GetString(), json.GetProperty("image").GetProperty("format").GetString()));
        Assert.InRange(Assert.Single(json.GetProperty("outputs").EnumerateArray()).GetProperty("caption").GetProperty("tokens").GetInt32(), 1, 2);
    }

    [Fact]
    public async Task Parameters_stand_in_for_what_a_form_does_not_say()
    {
        using var form = new MultipartFormDataContent
        {
            { RestWorker.Json("""{"id":"42"}"""), "request" },
            { RestWorker.Bytes(RestWorker.Sample(Sample)), "image", Sample },
        };

        var (_, json) = await demo.Worker.PostAsync("/predict?tasks=embedding&id=other", form);

        Assert.Equal(("42", "embedding"), (json.GetProperty("id").GetString(), Assert.Single(json.GetProperty("outputs").EnumerateArray()).GetProperty("task").GetString()));
    }

    [Fact]
    public async Task A_form_whose_request_names_another_image_is_refused()
    {
        using var form = new MultipartFormDataContent
        {
            { RestWorker.Bytes(RestWorker.Sample(Sample)), "image", Sample },
            { RestWorker.Json("""{"tasks":["embedding"],"image":{"bucket":"samples","key":"0002.png"}}"""), "request" },
        };

        await demo.Worker.RefusedAsync("/predict", form, HttpStatusCode.BadRequest, RejectionReason.BadRequest);
    }

    [Theory]
    [InlineData("no form")]
    [InlineData("--cut\r\nContent-Disposition: form-data; name=image\r\n\r\nhalf of an image")]
    public async Task A_form_that_is_cut_short_is_refused(string body)
    {
        using var form = new StringContent(body);
        form.Headers.ContentType = MediaTypeHeaderValue.Parse("multipart/form-data; boundary=cut");

        await demo.Worker.RefusedAsync("/predict", form, HttpStatusCode.BadRequest, RejectionReason.BadRequest);
    }

    [Fact]
    public async Task Parameters_choose_task_encoding_and_id()
    {
        var (_, json) = await demo.Worker.PostAsync("/predict?tasks=embedding&embeddingEncoding=base64&id=mine", RestWorker.Bytes(RestWorker.Sample("0008.webp"), null));

        var embedding = Assert.Single(json.GetProperty("outputs").EnumerateArray()).GetProperty("embedding");
        Assert.Equal("mine", json.GetProperty("id").GetString());
        Assert.Equal(embedding.GetProperty("dimensions").GetInt32() * sizeof(float), embedding.GetProperty("base64").GetBytesFromBase64().Length);
    }

    [Theory]
    [InlineData("""{"bucket":"others","key":"0000.jpg"}""", HttpStatusCode.Forbidden, RejectionReason.BucketNotAllowed)]
    [InlineData("""{"bucket":"samples","key":"none.jpg"}""", HttpStatusCode.NotFound, RejectionReason.NotFound)]
    [InlineData("""{"bucket":"samples","key":"../LICENSE"}""", HttpStatusCode.BadRequest, RejectionReason.BadRequest)]
    [InlineData("""{"bucket":"samples","key":"0000.jpg","etag":"old"}""", HttpStatusCode.PreconditionFailed, RejectionReason.PreconditionFailed)]
    [InlineData("""{"bucket":"samples","key":"truth.json"}""", HttpStatusCode.UnsupportedMediaType, RejectionReason.UnsupportedFormat)]
    [InlineData("""{"bucket":"samples"}""", HttpStatusCode.BadRequest, RejectionReason.BadRequest)]
    [InlineData("""{"bucket":7,"key":"0000.jpg"}""", HttpStatusCode.BadRequest, RejectionReason.BadRequest)]
    [InlineData("""{"bucket":"samples","key":"0000.jpg","tasks":["sing"]}""", HttpStatusCode.BadRequest, RejectionReason.UnsupportedTask)]
    [InlineData("""{"bucket":"samples","key":"0000.jpg","models":{"caption":"nobody"}}""", HttpStatusCode.NotFound, RejectionReason.UnknownModel)]
    [InlineData("""{"bucket":"samples","key":"0000.jpg","prompt":"a photo of"}""", HttpStatusCode.BadRequest, RejectionReason.PromptNotSupported)]
    [InlineData("""{"bucket":"samples","key":"0000.jpg","deadline":"2001-01-01T00:00:00Z"}""", HttpStatusCode.GatewayTimeout, RejectionReason.Expired)]
    [InlineData("""{"bucket":""", HttpStatusCode.BadRequest, RejectionReason.BadRequest)]
    [InlineData("[]", HttpStatusCode.BadRequest, RejectionReason.BadRequest)]
    public Task Requests_at_fault_get_the_reason_that_a_message_would(string body, HttpStatusCode status, string reason) =>
        demo.Worker.RefusedAsync("/predict", RestWorker.Json(body), status, reason);

    [Fact]
    public async Task Bytes_at_fault_get_the_reason_that_an_object_would()
    {
        await demo.Worker.RefusedAsync("/predict", RestWorker.Bytes([]), HttpStatusCode.UnprocessableEntity, RejectionReason.Empty);
        await demo.Worker.RefusedAsync("/predict", RestWorker.Bytes("not an image"u8.ToArray()), HttpStatusCode.UnsupportedMediaType, RejectionReason.UnsupportedFormat);
        await demo.Worker.RefusedAsync("/predict", RestWorker.Bytes(RestWorker.Sample(Sample)[..600]), HttpStatusCode.UnprocessableEntity, RejectionReason.Corrupt);
    }

    [Theory]
    [InlineData("?task=caption", RejectionReason.BadRequest)]
    [InlineData("?tasks=caption&tasks=embedding", RejectionReason.BadRequest)]
    [InlineData("?embeddingEncoding=hex", RejectionReason.BadRequest)]
    [InlineData("?tasks=sing", RejectionReason.UnsupportedTask)]
    public Task Parameters_at_fault_are_refused(string query, string reason) =>
        demo.Worker.RefusedAsync("/predict" + query, RestWorker.Bytes(RestWorker.Sample(Sample)), HttpStatusCode.BadRequest, reason);

    [Fact]
    public async Task Other_content_is_refused_and_says_what_is_taken()
    {
        var problem = await demo.Worker.RefusedAsync("/predict", RestWorker.Bytes([1], "text/plain"), HttpStatusCode.UnsupportedMediaType, "unsupported-media-type");

        Assert.Contains("multipart/form-data", problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
        using var form = new MultipartFormDataContent { { RestWorker.Bytes([1]), "picture", "a.jpg" } };
        await demo.Worker.RefusedAsync("/predict", form, HttpStatusCode.BadRequest, RejectionReason.BadRequest);
    }

    private static string? Caption(JsonElement answer) => answer.GetProperty("outputs")[0].GetProperty("caption").GetProperty("text").GetString();
}
