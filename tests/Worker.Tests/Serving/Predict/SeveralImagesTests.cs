using System.Net;
using System.Text.Json;
using VlWorker.Contracts;

namespace VlWorker.Worker.Tests.Serving.Predict;

/// <summary>Questions about several images, through a whole worker with the tiny SmolVLM.</summary>
public sealed class SeveralImagesTests(ChatWorker chat) : IClassFixture<ChatWorker>
{
    private const string First = "0000.jpg";
    private const string Second = "0002.png";

    [Fact]
    public async Task The_answer_is_about_all_of_them_and_so_is_its_id()
    {
        var both = await AskAsync(First, Second);
        Assert.Equal(Id(both), Id(await AskAsync(First, Second)));
        Assert.NotEqual(Id(both), Id(await AskAsync(First)));
        Assert.NotEqual(Id(both), Id(await AskAsync(Second, First)));
        Assert.False(string.IsNullOrEmpty(both.GetProperty("outputs")[0].GetProperty("answer").GetProperty("text").GetString()));
        Assert.Equal(First, both.GetProperty("image").GetProperty("key").GetString());
    }

    [Fact]
    public async Task One_may_come_with_the_request()
    {
        using var form = new MultipartFormDataContent
        {
            { RestWorker.Json(Body(null, Second)), "request" },
            { RestWorker.Bytes(RestWorker.Sample(First)), "image", First },
        };
        var (response, sent) = await chat.Worker.PostAsync("/predict", form);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(
            (await AskAsync(First, Second)).GetProperty("outputs")[0].GetProperty("contentId").GetString(),
            sent.GetProperty("outputs")[0].GetProperty("contentId").GetString());
    }

    [Fact]
    public async Task What_is_wrong_with_one_refuses_all_and_says_which()
    {
        var missing = await chat.Worker.RefusedAsync("/predict", RestWorker.Json(Body(First, Second, "nothing.jpg")), HttpStatusCode.NotFound, RejectionReason.NotFound);
        Assert.StartsWith("moreImages[1]: ", missing.GetProperty("detail").GetString(), StringComparison.Ordinal);
        var broken = await chat.Worker.RefusedAsync("/predict", RestWorker.Json(Body(First, "truth.json")), HttpStatusCode.UnsupportedMediaType, RejectionReason.UnsupportedFormat);
        Assert.StartsWith("moreImages[0]: ", broken.GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(5, "looks at 4 images at most, and the request has 5")]
    [InlineData(20, "moreImages has more than 15 entries")]
    public async Task More_than_the_model_looks_at_are_refused(int images, string why)
    {
        string[] keys = [.. Enumerable.Repeat(First, images)];
        var refused = await chat.Worker.RefusedAsync("/predict", RestWorker.Json(Body(keys[0], keys[1..])), HttpStatusCode.BadRequest, RejectionReason.BadRequest);
        Assert.Contains(why, refused.GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    private static string Body(string? first, params string[] more) => JsonSerializer.Serialize(new
    {
        id = "several",
        image = first is null ? null : new { bucket = RestWorker.Bucket, key = first },
        moreImages = more.Length == 0 ? null : more.Select(key => new { bucket = RestWorker.Bucket, key }),
        tasks = new[] { "answer" },
        prompt = "Which of them?",
        generation = new { maxNewTokens = 6 },
    });

    private static string? Id(JsonElement prediction) => prediction.GetProperty("outputs")[0].GetProperty("resultId").GetString();

    private async Task<JsonElement> AskAsync(string first, params string[] more)
    {
        var (response, json) = await chat.Worker.PostAsync("/predict", RestWorker.Json(Body(first, more)));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return json;
    }
}
