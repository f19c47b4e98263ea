using System.Text;
using System.Text.Json;
using VlWorker.Integration.EndToEnd;
using VlWorker.Integration.Infrastructure;

namespace VlWorker.Integration.Telemetry;

/// <summary>The log of a worker that is told to log everything, framework included: one JSON object a line, with ids, without secrets and images.</summary>
public sealed class LogTests(ObservedWorker observed) : IClassFixture<ObservedWorker>
{
    [Fact]
    public async Task A_line_about_a_message_has_the_ids_of_message_job_and_trace()
    {
        await observed.ProduceAsync("logged-1", "nothing.jpg");
        var sent = await Eventually.GetAsync(
            "the producer's span",
            () => Task.FromResult(observed.Receiver.Spans.FirstOrDefault(span => span.Service == "vl-producer" && span.Tag("messaging.message.id") == "logged-1")),
            span => span is not null);

        var lines = await Eventually.GetAsync(
            "the lines of the message",
            () => Task.FromResult(Lines(observed.Worker).Where(line => Scope(line, "MessageId") == "logged-1").ToArray()),
            found => found.Any(line => Message(line).Contains("rejected", StringComparison.Ordinal)));

        Assert.All(lines, line => Assert.Equal(("job-7", sent!.Trace), (Scope(line, "JobId"), Scope(line, "TraceId"))));
        Assert.Contains(lines, line => line.GetProperty("State").TryGetProperty("Reason", out var reason) && reason.GetString() == "not-found");
    }

    [Fact]
    public async Task Neither_secrets_nor_images_are_in_it()
    {
        await observed.ProduceAsync("logged-2", "good.jpg");
        await observed.ProduceAsync("logged-3", "text.jpg");
        await observed.Client.PublishAsync("{\"id\":\"logged-4\",");
        await Eventually.TrueAsync("the dead letter to be logged", () => observed.Worker.Log.Contains("dead letter", StringComparison.Ordinal));

        var log = observed.Worker.Log;

        Assert.Contains("logged-2", log, StringComparison.Ordinal);
        Assert.DoesNotContain(observed.Store.Owner.SecretKey, log, StringComparison.Ordinal);
        Assert.DoesNotContain(observed.Broker.Uri.UserInfo, log, StringComparison.Ordinal);
        Assert.DoesNotContain("whatever its name says", log, StringComparison.Ordinal);
        // Three bytes are four letters: any run of the image from a multiple of three would show as one of these.
        var letters = Convert.ToBase64String(BadImages.Jpeg);
        Assert.Equal([], letters.Chunk(40).Where(static chunk => chunk.Length == 40).Select(static chunk => new string(chunk)).Where(chunk => log.Contains(chunk, StringComparison.Ordinal)));
        Assert.DoesNotContain(Convert.ToHexString(BadImages.Jpeg.AsSpan(0, 16)), log, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task Every_line_is_json_because_it_does_not_go_to_a_terminal()
    {
        await observed.DescribeAsync("logged-5");

        var lines = Lines(observed.Worker);

        Assert.True(lines.Length > 20, $"only {lines.Length} lines");
        Assert.All(lines, static line => Assert.Matches("^20[0-9]{2}-.*Z$", line.GetProperty("Timestamp").GetString()));
    }

    [Theory]
    [InlineData("Broker:Uri", "broker")]
    [InlineData("Store:SecretKey", "store")]
    public async Task What_is_refused_for_a_wrong_secret_does_not_show_it(string setting, string dependency)
    {
        const string secret = "wr0ng-s3cr3t-w0rd";
        var broker = new UriBuilder(observed.Broker.Uri) { Password = secret }.Uri.ToString();
        await using var worker = await WorkerProcess.StartAsync(
            observed.Broker.Uri,
            observed.Store.Owner,
            [observed.Store.Bucket],
            new Dictionary<string, string> { [setting] = setting == "Broker:Uri" ? broker : secret, ["Logging:LogLevel:Default"] = "Trace", ["Logging:LogLevel:MassTransit"] = "Trace" },
            waitUntilReady: false);

        await worker.NotReadyAsync(dependency);

        Assert.DoesNotContain(secret, worker.Log, StringComparison.Ordinal);
    }

    private static JsonElement[] Lines(WorkerProcess worker) =>
    [
        .. worker.Log.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(static line => JsonDocument.Parse(Encoding.UTF8.GetBytes(line)).RootElement),
    ];

    private static string Message(JsonElement line) => line.GetProperty("Message").GetString()!;

    private static string? Scope(JsonElement line, string name) => line.TryGetProperty("Scopes", out var scopes)
        ? scopes.EnumerateArray().Where(static scope => scope.ValueKind == JsonValueKind.Object)
            .Select(scope => scope.TryGetProperty(name, out var value) ? value.GetString() : null).FirstOrDefault(static value => value is not null)
        : null;
}
