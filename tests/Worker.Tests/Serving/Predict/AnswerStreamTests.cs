using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Net.ServerSentEvents;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using VlWorker.Integration.Infrastructure;
using VlWorker.Serving;
using VlWorker.Worker.Tests.Fixtures;

namespace VlWorker.Worker.Tests.Serving.Predict;

/// <summary>Answers that are sent while they are generated, by a worker with the tiny SmolVLM.</summary>
public sealed class AnswerStreamTests(ChatWorker chat) : IClassFixture<ChatWorker>
{
    private const string Question = "/predict?tasks=answer&prompt=How%20many%20cats%20are%20there%3F";

    [Theory]
    [InlineData("/predict?tasks=answer&prompt=How%20many%3F", "text/event-stream")]
    [InlineData("/predict?tasks=answer&prompt=How%20many%3F&stream=true", "*/*")]
    public async Task Parts_come_one_by_one_and_put_together_are_the_answer(string path, string accept)
    {
        var (_, whole) = await chat.Worker.PostAsync("/predict?tasks=answer&prompt=How%20many%3F", chat.Image());
        // Nobody waits for the reader: on a busy machine, one that comes late gets all there is in one part.
        var events = await Eventually.GetAsync("an answer in several parts", async () =>
        {
            using var response = await SendAsync(path, accept);
            Assert.Equal((HttpStatusCode.OK, "text/event-stream"), (response.StatusCode, response.Content.Headers.ContentType!.MediaType));
            return await EventsAsync(response);
        }, static events => events.Count > 3);

        Assert.All(events.SkipLast(1), part => Assert.Equal("text", part.EventType));
        Assert.Equal("result", events[^1].EventType);
        var result = JsonDocument.Parse(events[^1].Data).RootElement.GetProperty("outputs")[0];
        var text = result.GetProperty("answer").GetProperty("text").GetString();
        Assert.Equal(text, string.Concat(events.SkipLast(1).Select(part => JsonDocument.Parse(part.Data).RootElement.GetProperty("text").GetString())));
        var expected = whole.GetProperty("outputs")[0];
        Assert.Equal((expected.GetProperty("answer").GetProperty("text").GetString(), expected.GetProperty("contentId").GetString()), (text, result.GetProperty("contentId").GetString()));
    }

    [Fact]
    public async Task Curl_reads_the_events()
    {
        var file = Path.Combine(FixtureArchive.Extract("smolvlm"), "golden", "images", "scene.png");
        var start = new ProcessStartInfo(
            "curl",
            [
                "-sS", "-N", "--fail-with-body", "-H", "Accept: text/event-stream", "-F", $"image=@{file}", "-F",
                """request={"tasks":["answer"],"prompt":"What is this?","generation":{"maxNewTokens":12}};type=application/json""",
                $"{chat.Worker.Addresses[0]}/predict",
            ])
        { RedirectStandardOutput = true };
        using var curl = Process.Start(start)!;
        var output = await curl.StandardOutput.ReadToEndAsync().WaitAsync(TimeSpan.FromMinutes(1));
        await curl.WaitForExitAsync();

        Assert.Equal(0, curl.ExitCode);
        var events = output.Split("\n\n", StringSplitOptions.RemoveEmptyEntries);
        Assert.StartsWith("event: text\ndata: {\"text\":", events[0], StringComparison.Ordinal);
        Assert.StartsWith("event: result\ndata: {\"id\":", events[^1], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/predict?tasks=caption", "bad-request")]
    [InlineData("/predict?tasks=answer", "bad-request")]
    [InlineData("/predict?tasks=answer&prompt=%20", "bad-request")]
    public async Task What_is_at_fault_before_the_first_part_is_a_problem_like_any_other(string path, string reason)
    {
        using var response = await SendAsync(path, "text/event-stream");
        Assert.Equal((HttpStatusCode.BadRequest, "application/problem+json"), (response.StatusCode, response.Content.Headers.ContentType!.MediaType));
        Assert.Contains(reason, await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Beams_come_as_one_part()
    {
        using var form = new MultipartFormDataContent
        {
            { RestWorker.Json("""{"tasks":["answer"],"prompt":"What is this?","generation":{"maxNewTokens":8,"numBeams":3}}"""), "request" },
            { chat.Image(), "image", "scene.png" },
        };
        using var response = await SendAsync("/predict", "text/event-stream", form);
        Assert.Equal(["text", "result"], (await EventsAsync(response)).Select(part => part.EventType));
    }

    [Fact]
    public async Task A_client_that_goes_away_frees_its_row()
    {
        using var gone = new CancellationTokenSource();
        using var response = await SendAsync(Question, "text/event-stream", cancellation: gone.Token);
        await using var body = await response.Content.ReadAsStreamAsync(gone.Token);
        Assert.True(await body.ReadAsync(new byte[16], gone.Token) > 0);
        await gone.CancelAsync();
        response.Dispose();

        var admission = chat.Worker.Services.GetRequiredService<Admission>();
        await Eventually.TrueAsync("the place to be free", () => admission.Held == 0);
        using var next = await SendAsync(Question, "text/event-stream");
        Assert.Equal("result", (await EventsAsync(next))[^1].EventType);
    }

    [Fact]
    public async Task Many_at_once_get_their_own_answers()
    {
        string[] questions = ["How many?", "What is the text in the image?", "Can you describe this image?", "Why?"];
        var alone = new List<string>();
        foreach (var question in questions)
            alone.Add(await AnswerAsync(question));
        var together = await Task.WhenAll(Enumerable.Range(0, 12).Select(i => AnswerAsync(questions[i % questions.Length])));
        Assert.All(Enumerable.Range(0, 12), i => Assert.Equal(alone[i % questions.Length], together[i]));
    }

    private static async Task<List<SseItem<string>>> EventsAsync(HttpResponseMessage response)
    {
        await using var body = await response.Content.ReadAsStreamAsync();
        return await SseParser.Create(body).EnumerateAsync().ToListAsync();
    }

    private async Task<string> AnswerAsync(string question)
    {
        using var response = await SendAsync($"/predict?tasks=answer&prompt={Uri.EscapeDataString(question)}", "text/event-stream");
        var events = await EventsAsync(response);
        Assert.Equal("result", events[^1].EventType);
        return string.Concat(events.SkipLast(1).Select(part => JsonDocument.Parse(part.Data).RootElement.GetProperty("text").GetString()));
    }

    private async Task<HttpResponseMessage> SendAsync(string path, string accept, HttpContent? content = null, CancellationToken cancellation = default)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(path, UriKind.Relative)) { Content = content ?? chat.Image() };
        request.Headers.Accept.Add(MediaTypeWithQualityHeaderValue.Parse(accept));
        return await chat.Worker.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
    }
}

/// <summary>A worker with the tiny SmolVLM, which looks at whole images.</summary>
public sealed class ChatWorker : IAsyncLifetime
{
    internal RestWorker Worker { get; private set; } = null!;

    public async Task InitializeAsync() => Worker = await RestWorker.StartAsync(new()
    {
        ["Inference:Models:2:Alias"] = "chat",
        ["Inference:Models:2:Folder"] = FixtureArchive.Extract("smolvlm"),
        ["Inference:Models:2:Optimize"] = "Off",
        ["Inference:Models:2:ImageSplitting"] = "Off",
    });

    public async Task DisposeAsync() => await Worker.DisposeAsync();

    internal ByteArrayContent Image() =>
        RestWorker.Bytes(File.ReadAllBytes(Path.Combine(FixtureArchive.Extract("smolvlm"), "golden", "images", "scene.png")), "image/png");
}
