using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using VlWorker.Contracts;
using VlWorker.Integration.Messaging;
using VlWorker.Serving.Problems;
using VlWorker.Telemetry;
using VlWorker.Worker.Tests.Demo;

namespace VlWorker.Worker.Tests.Serving;

/// <summary>What lies around the endpoints: versions of HTTP, keys, and answers where there is nothing.</summary>
public sealed class ProtocolTests
{
    private const string Key = "0123456789abcdef-key";

    [Fact]
    public async Task Http_2_without_tls_has_an_address_of_its_own()
    {
        await using var worker = await RestWorker.StartAsync(new() { ["Serving:Http2Urls"] = "http://127.0.0.1:0" }, new EchoModel());
        using var client = new HttpClient { BaseAddress = new Uri(worker.Addresses[1]) };
        using var request = new HttpRequestMessage(HttpMethod.Post, "/predict")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = RestWorker.Bytes(RestWorker.Sample("0002.png")),
        };

        var response = await client.SendAsync(request);

        Assert.Equal((HttpStatusCode.OK, HttpVersion.Version20), (response.StatusCode, response.Version));
    }

    [Fact]
    public async Task Https_speaks_both_versions()
    {
        using var folder = new TempFolder();
        using var key = RSA.Create(2048);
        using var certificate = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
            .CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(100));
        await File.WriteAllTextAsync(folder.At("tls.crt"), certificate.ExportCertificatePem());
        await File.WriteAllTextAsync(folder.At("tls.key"), key.ExportPkcs8PrivateKeyPem());
        await using var worker = await RestWorker.StartAsync(
            new()
            {
                ["Serving:Urls"] = "https://127.0.0.1:0",
                ["Serving:CertificateFile"] = folder.At("tls.crt"),
                ["Serving:CertificateKeyFile"] = folder.At("tls.key"),
            },
            new EchoModel());
        using var trusting = new HttpClientHandler
        {
            ServerCertificateCustomValidationCallback = (_, shown, _, _) => shown!.Thumbprint == certificate.Thumbprint,
        };
        using var client = new HttpClient(trusting) { BaseAddress = new Uri(worker.Addresses[0]) };
        foreach (var version in new[] { HttpVersion.Version11, HttpVersion.Version20 })
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/health/ready") { Version = version, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
            Assert.Equal(version, (await client.SendAsync(request)).Version);
        }
    }

    [Fact]
    public async Task A_key_is_asked_for_where_the_settings_have_one_and_not_by_probes()
    {
        using var folder = new TempFolder();
        await File.WriteAllTextAsync(folder.At("keys"), "another-key-of-the-file\n\nand-the-next-one-of-it\n");
        await using var worker = await RestWorker.StartAsync(
            new() { ["Serving:ApiKey"] = Key, ["Serving:ApiKeyFile"] = folder.At("keys") }, new EchoModel());

        var problem = await worker.RefusedAsync("/predict", RestWorker.Bytes([1]), HttpStatusCode.Unauthorized, ProblemTypes.Unauthorized);
        Assert.DoesNotContain(Key, problem.GetRawText(), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(worker, "Authorization", $"Bearer {Key}x"));
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(worker, "Authorization", $"Bearer {Key[..^1]}"));
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(worker, "Authorization", "Basic %%%"));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(worker, "Authorization", $"Bearer {Key}"));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(worker, "X-Api-Key", "and-the-next-one-of-it"));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(worker, "Authorization", "Basic " + Convert.ToBase64String("anyone:another-key-of-the-file"u8)));
        Assert.Equal(HttpStatusCode.OK, (await worker.Client.GetAsync(new Uri("/health/ready", UriKind.Relative))).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await worker.Client.GetAsync(new Uri("/metrics", UriKind.Relative))).StatusCode);
    }

    [Fact]
    public async Task Paths_and_methods_that_do_not_exist_are_problems_too()
    {
        await using var worker = await RestWorker.StartAsync(model: new EchoModel());

        await worker.RefusedAsync("/nowhere", RestWorker.Bytes([1]), HttpStatusCode.NotFound, ProblemTypes.NoSuchPath);
        var get = await worker.Client.GetAsync(new Uri("/predict", UriKind.Relative));
        Assert.Equal((HttpStatusCode.MethodNotAllowed, "application/problem+json"), (get.StatusCode, get.Content.Headers.ContentType?.MediaType));
    }

    [Fact]
    public async Task A_request_continues_the_trace_that_it_names_and_its_stages_lie_below_it()
    {
        const string trace = "0af7651916cd43dd8448eb211c80319c";
        var spans = new ConcurrentQueue<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source == Tracing.Source,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = spans.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);
        await using var worker = await RestWorker.StartAsync(model: new EchoModel());
        using var request = new HttpRequestMessage(HttpMethod.Post, "/predict?tasks=caption") { Content = RestWorker.Bytes(RestWorker.Sample("0002.png")) };
        request.Headers.Add("traceparent", $"00-{trace}-b7ad6b7169203331-01");

        Assert.Equal(HttpStatusCode.OK, (await worker.Client.SendAsync(request)).StatusCode);

        var ours = spans.Where(span => span.TraceId.ToHexString() == trace).ToArray();
        var server = Assert.Single(ours, span => span.Kind == ActivityKind.Server);
        Assert.Equal(("POST /predict", "b7ad6b7169203331"), (server.DisplayName, server.ParentSpanId.ToHexString()));
        foreach (var stage in new[] { "fetch", "decode", "batch-wait", "inference" })
            Assert.Equal(server.SpanId, Assert.Single(ours, span => span.DisplayName == stage).ParentSpanId);
    }

    [Fact]
    public async Task Rest_can_be_closed()
    {
        await using var worker = await RestWorker.StartAsync(new() { ["Serving:Rest"] = "false" }, new EchoModel());

        await worker.RefusedAsync("/predict", RestWorker.Bytes([1]), HttpStatusCode.NotFound, ProblemTypes.NoSuchPath);
    }

    [Fact]
    public void Every_reason_of_a_rejected_message_is_a_problem_of_the_same_name()
    {
        Assert.Equal([], RejectionReason.All.Except(ProblemTypes.All));
        Assert.All(ProblemTypes.All, reason => Assert.InRange(ProblemTypes.StatusOf(reason), 400, 599));
    }

    private static async Task<HttpStatusCode> StatusAsync(RestWorker worker, string header, string value)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/predict") { Content = RestWorker.Bytes(RestWorker.Sample("0002.png")) };
        request.Headers.TryAddWithoutValidation(header, value);
        return (await worker.Client.SendAsync(request)).StatusCode;
    }
}
