using System.Net;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using VlWorker.Describing;
using VlWorker.Integration.Messaging;

namespace VlWorker.Worker.Tests.Serving.Status;

/// <summary>What the status page is fed with; the page itself is tested in a browser, among the integration tests.</summary>
[Collection(nameof(WithDemoModels))]
public sealed class StatusTests(DemoModelsWorker demo)
{
    private const string Secret = "s3cr3t-of-the-tests";

    [Fact]
    public async Task Events_show_what_has_just_been_described()
    {
        await demo.Worker.PostAsync("/predict", RestWorker.Bytes(RestWorker.Sample("0003.jpg")));
        await demo.Worker.RefusedAsync("/predict", RestWorker.Bytes([1, 2, 3]), HttpStatusCode.UnsupportedMediaType, "unsupported-format");

        var status = await EventAsync(demo.Worker, status => Has(status, "rejections", entry => entry.GetProperty("reason").GetString() == "unsupported-format")
            && status.GetProperty("captions").GetArrayLength() > 0 && status.GetProperty("batches").GetArrayLength() == 2
            && status.GetProperty("batches").EnumerateArray().All(batch => Rows(batch) >= 1));

        Assert.Equal(0, status.GetProperty("notReady").GetArrayLength());
        Assert.Equal(["interactive", "backfill", "text"], status.GetProperty("lanes").EnumerateArray().Select(lane => lane.GetProperty("name").GetString()));
        Assert.True(status.GetProperty("rest").GetProperty("outcomes").GetProperty("ok").GetDouble() >= 1);
        Assert.True(status.GetProperty("rest").GetProperty("outcomes").GetProperty("unsupported-format").GetDouble() >= 1);
        Assert.True(Has(status, "stages", stage => stage.GetProperty("name").GetString() == "inference" && stage.GetProperty("meanMs").GetDouble() > 0));
        Assert.True(Has(status, "devices", device => device.GetProperty("reading").GetProperty("memoryUsedBytes").GetInt64() > 0));
        Assert.True(Has(status, "models", model => model.GetProperty("alias").GetString() == "demo-captioner" && model.GetProperty("precision").GetString() == "quantized"));
        foreach (var batch in status.GetProperty("batches").EnumerateArray())
            Assert.True(Rows(batch) >= 1, batch.GetRawText());
        Assert.True(status.GetProperty("throughput").EnumerateArray().Sum(value => value.GetDouble()) > 0.5, status.GetProperty("throughput").GetRawText());
        var id = status.GetProperty("captions")[0].GetProperty("id").GetInt64();
        var thumbnail = await demo.Worker.Client.GetAsync(new Uri($"/status/thumbnails/{id}", UriKind.Relative));
        Assert.Equal("image/webp", thumbnail.Content.Headers.ContentType!.MediaType);
        Assert.InRange((await thumbnail.Content.ReadAsByteArrayAsync()).Length, 100, 20_000);
    }

    [Fact]
    public async Task Captions_that_are_switched_off_are_nowhere()
    {
        await using var worker = await RestWorker.StartAsync(new() { ["Serving:LastCaptions"] = "0" }, new EchoModel());
        await worker.PostAsync("/predict", RestWorker.Bytes(RestWorker.Sample("0002.png")));

        var status = await EventAsync(worker, _ => true);

        Assert.False(status.TryGetProperty("captions", out _));
        Assert.Empty(worker.Services.GetRequiredService<RecentImages>().All);
    }

    [Fact]
    public async Task Settings_show_no_secrets_wherever_they_hide()
    {
        await using var worker = await RestWorker.StartAsync(
            new()
            {
                ["Broker:Uri"] = $"amqp://user:{Secret}@localhost/",
                ["Store:AccessKey"] = Secret,
                ["Store:SecretKey"] = Secret,
                ["Store:SessionToken"] = Secret,
                ["Serving:ApiKey"] = Secret,
            },
            new EchoModel());
        Assert.Equal(HttpStatusCode.Unauthorized, (await worker.Client.GetAsync(new Uri("/", UriKind.Relative))).StatusCode);
        worker.Client.DefaultRequestHeaders.Authorization = new("Basic", Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes($"anybody:{Secret}")));

        var settings = await worker.Client.GetStringAsync(new Uri("/status/settings", UriKind.Relative));

        Assert.DoesNotContain(Secret, settings, StringComparison.Ordinal);
        Assert.Contains("amqp://(hidden)@localhost/", settings, StringComparison.Ordinal);
        Assert.Contains("\"Serving:ApiKey\",\"value\":\"(hidden)\"", settings, StringComparison.Ordinal);
        Assert.Contains("\"Store:Region\",\"value\":\"us-east-1\",\"isDefault\":true", settings, StringComparison.Ordinal);
        Assert.Contains("Inference:Models:1:Alias", settings, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_page_that_is_switched_off_is_not_there()
    {
        await using var worker = await RestWorker.StartAsync(new() { ["Serving:StatusPage"] = "false" }, new EchoModel());

        foreach (var path in new[] { "/", "/status", "/status/events" })
            Assert.Equal(HttpStatusCode.NotFound, (await worker.Client.GetAsync(new Uri(path, UriKind.Relative))).StatusCode);
    }

    [Fact]
    public async Task The_page_loads_nothing_from_elsewhere()
    {
        var response = await demo.Worker.Client.GetAsync(new Uri("/", UriKind.Relative));
        var page = await response.Content.ReadAsStringAsync();

        Assert.Contains("default-src 'none'", Assert.Single(response.Headers.GetValues("Content-Security-Policy")), StringComparison.Ordinal);
        Assert.DoesNotContain("{{", page, StringComparison.Ordinal);
        Assert.DoesNotMatch("(src|href)=\"(https?:)?//", page);
        Assert.DoesNotContain("innerHTML =", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Those_who_watch_do_not_hold_up_the_end()
    {
        var worker = await RestWorker.StartAsync(model: new EchoModel());
        using var stream = await worker.Client.GetStreamAsync(new Uri("/status/events", UriKind.Relative));
        using var reader = new StreamReader(stream);
        await reader.ReadLineAsync();

        await worker.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromMinutes(1));
    }

    private static double Rows(JsonElement batch) => batch.GetProperty("sizes").EnumerateArray().Sum(size => size.GetProperty("count").GetDouble());

    private static async Task<JsonElement> EventAsync(RestWorker worker, Func<JsonElement, bool> accept)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        using var stream = await worker.Client.GetStreamAsync(new Uri("/status/events", UriKind.Relative), limit.Token);
        using var reader = new StreamReader(stream);
        while (await reader.ReadLineAsync(limit.Token) is { } line)
        {
            if (line.StartsWith("data: ", StringComparison.Ordinal) && JsonDocument.Parse(line["data: ".Length..]).RootElement is var status && accept(status))
                return status;
        }

        throw new InvalidOperationException("the events have ended");
    }

    private static bool Has(JsonElement status, string list, Func<JsonElement, bool> entry) => status.GetProperty(list).EnumerateArray().Any(entry);
}
