using System.Text.Json;
using VlWorker.Integration.Infrastructure;

namespace VlWorker.Integration.Serving;

/// <summary>Clients that know nothing of VlWorker: curl, and OpenAI's own from npm. Behind the worker are a real broker and a real store.</summary>
public sealed class ForeignClientTests(TestBroker broker, TestStore store, NpmPackages npm)
    : IClassFixture<TestBroker>, IClassFixture<TestStore>, IClassFixture<NpmPackages>, IAsyncLifetime
{
    private const string Key = "a-key-of-the-tests-only";

    private static readonly string Sample = Repository.At("samples", "0000.jpg");

    private WorkerProcess _worker = null!;

    public async Task InitializeAsync()
    {
        await store.PutAsync("cat.jpg", await File.ReadAllBytesAsync(Sample));
        _worker = await WorkerProcess.StartAsync(broker.Uri, store.Owner, [store.Bucket], new()
        {
            ["Serving:ApiKey"] = Key,
            ["Serving:Http2Urls"] = "http://127.0.0.1:0",
        });
    }

    public async Task DisposeAsync() => await _worker.DisposeAsync();

    [Fact]
    public async Task Openai_embeds_texts_and_images_and_understands_errors()
    {
        var output = await Tool.RunAsync(
            "node", npm.Folder, "embeddings.mjs", $"{_worker.Addresses[0]}/v1", Key, Sample, store.Bucket, "cat.jpg");

        var got = JsonDocument.Parse(output).RootElement;
        Assert.Equal("demo-clip", got.GetProperty("model").GetString());
        Assert.True(got.GetProperty("usage").GetProperty("total_tokens").GetInt32() > 2);
        Assert.Equal(1, Dot(got, "text", "text"), 3);
        Assert.True(Dot(got, "text", "plain") > 0.999, "base64 and float differ");
        Assert.True(Dot(got, "image", "stored") > 0.999, "a data URL and an object of the store differ");
        Assert.Equal(("NotFoundError", 404, "unknown-model"), Error(got, "unknownModel"));
        Assert.Equal(("BadRequestError", 400, "bad-request"), Error(got, "badInput"));
        Assert.Equal(("AuthenticationError", 401, "unauthorized"), Error(got, "wrongKey"));
        Assert.Contains("token ids are not taken", got.GetProperty("badInput").GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Curl_gets_the_caption_however_it_sends_the_image_and_in_both_versions_of_http()
    {
        string[][] bodies =
        [
            ["-F", $"image=@{Sample}", "-F", "request={\"tasks\":[\"caption\"]};type=application/json"],
            ["-H", "Content-Type: image/jpeg", "--data-binary", $"@{Sample}"],
            ["-H", "Content-Type: image/jpeg", "-H", "Expect: 100-continue", "-X", "POST", "-T", Sample],
            ["-H", "Content-Type: application/json", "-d", $$"""{"bucket":"{{store.Bucket}}","key":"cat.jpg"}"""],
        ];
        foreach (var body in bodies)
        {
            foreach (var (address, version) in new[] { (_worker.Addresses[0], "--http1.1"), (_worker.Addresses[1], "--http2-prior-knowledge") })
            {
                var output = await Tool.RunAsync("curl", null, ["-sS", "--fail-with-body", version, "-H", $"X-Api-Key: {Key}", .. body, $"{address}/predict"]);

                var caption = JsonDocument.Parse(output).RootElement.GetProperty("outputs")[0].GetProperty("caption").GetProperty("text").GetString();
                Assert.Equal("a cricket bat to the left of a moose on a black background", caption);
            }
        }
    }

    [Fact]
    public async Task The_key_is_nowhere_in_the_log()
    {
        await Tool.RunAsync("curl", null, "-sS", "-H", $"X-Api-Key: {Key}", "-H", "Content-Type: image/jpeg", "--data-binary", $"@{Sample}", $"{_worker.Addresses[0]}/predict");
        await Tool.RunAsync("curl", null, "-sS", "-u", $"me:{Key}", $"{_worker.Addresses[0]}/status/settings");

        await _worker.StopAsync();

        Assert.DoesNotContain(Key, _worker.Log, StringComparison.Ordinal);
    }

    private static (string?, int, string?) Error(JsonElement got, string name) =>
        (got.GetProperty(name).GetProperty("kind").GetString(), got.GetProperty(name).GetProperty("status").GetInt32(), got.GetProperty(name).GetProperty("code").GetString());

    private static double Dot(JsonElement got, string a, string b) =>
        got.GetProperty(a).EnumerateArray().Zip(got.GetProperty(b).EnumerateArray(), (x, y) => x.GetDouble() * y.GetDouble()).Sum();
}
