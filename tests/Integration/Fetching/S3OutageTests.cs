using VlWorker.Contracts;
using VlWorker.Failures;
using VlWorker.Fetching;
using VlWorker.Integration.Faults;
using VlWorker.Integration.Infrastructure;

namespace VlWorker.Integration.Fetching;

/// <summary>Faults of the store itself: nothing is rejected, the store is blamed, and the probe agrees.</summary>
public sealed class S3OutageTests(TestStore store) : IClassFixture<TestStore>, IAsyncLifetime
{
    private static readonly byte[] Content = new byte[50_000];

    private FaultProxy _proxy = null!;

    public async Task InitializeAsync()
    {
        _proxy = FaultProxy.Start(store.Owner.Endpoint);
        await store.PutAsync("a.jpg", Content);
    }

    public Task DisposeAsync() => _proxy.DisposeAsync().AsTask();

    private Uri Proxied => new($"http://127.0.0.1:{_proxy.Port}");

    private FetchingTestStore Through(FetchingOptions? limits = null) => new(store.Owner, Proxied, limits, store.Bucket);

    [Fact]
    public async Task A_wrong_secret_or_an_unknown_key_stops_everything()
    {
        StoreUser[] users = [store.Owner with { SecretKey = "wrong" }, store.Owner with { AccessKey = "unknown" }];
        foreach (var user in users)
        {
            using var worker = new FetchingTestStore(user, store.Owner.Endpoint, null, store.Bucket);
            await worker.AssertStoreAtFaultAsync(store.Bucket, "a.jpg");
            var error = await Assert.ThrowsAsync<DependencyException>(worker.ProbeAsync);
            Assert.DoesNotContain("wrong", error.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("http://no-such-host.invalid", "does not resolve")]
    [InlineData("http://127.0.0.1:1", "refuses connections")]
    public async Task A_store_that_can_not_be_reached_stops_everything(string endpoint, string expected)
    {
        using var worker = new FetchingTestStore(store.Owner, new Uri(endpoint), null, store.Bucket);
        Assert.Contains(expected, await worker.AssertStoreAtFaultAsync(store.Bucket, "a.jpg"), StringComparison.Ordinal);
        Assert.Contains(expected, (await Assert.ThrowsAsync<DependencyException>(worker.ProbeAsync)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_store_without_the_TLS_that_is_asked_for_stops_everything()
    {
        using var worker = new FetchingTestStore(store.Owner, new Uri($"https://127.0.0.1:{store.Owner.Endpoint.Port}"), null, store.Bucket);
        Assert.Contains("TLS", await worker.AssertStoreAtFaultAsync(store.Bucket, "a.jpg"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(403, "RequestTimeTooSkewed")]
    [InlineData(400, "ExpiredToken")]
    [InlineData(403, "InvalidAccessKeyId")]
    [InlineData(400, "AuthorizationHeaderMalformed")]
    [InlineData(503, "SlowDown")]
    [InlineData(500, "InternalError")]
    public async Task An_answer_about_every_request_stops_everything(int status, string code)
    {
        _proxy.Plan = FaultPlan.Status(status, code);
        using var worker = Through();

        Assert.Contains(code, await worker.AssertStoreAtFaultAsync(store.Bucket, "a.jpg"), StringComparison.Ordinal);

        _proxy.Plan = FaultPlan.None;
        await worker.ProbeAsync();
        await worker.AssertReadsAsync(store.Bucket, "a.jpg", Content);
    }

    [Theory]
    [InlineData(404, "<html>nothing here</html>", "404")]
    [InlineData(307, "", "points to http://169.254.169.254")]
    [InlineData(301, "", "points to http://169.254.169.254")]
    public async Task A_server_that_is_not_the_store_stops_everything(int status, string body, string expected)
    {
        _proxy.Plan = new FaultPlan { Answer = FaultPlan.Http(status, body, "Location: http://169.254.169.254/latest") };
        using var worker = Through();
        Assert.Contains(expected, await worker.AssertStoreAtFaultAsync(store.Bucket, "a.jpg"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_store_that_hangs_stops_everything()
    {
        _proxy.Plan = new FaultPlan { Freeze = true };
        using var worker = Through(FetchingTestStore.Quick with { ConnectTimeoutMs = 200, FirstByteTimeoutMs = 200, Attempts = 2 });
        Assert.Contains("timed out", await worker.AssertStoreAtFaultAsync(store.Bucket, "a.jpg"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_outage_ends_when_the_probe_says_so()
    {
        using var worker = Through();
        await worker.AssertReadsAsync(store.Bucket, "a.jpg", Content);

        await _proxy.RefuseAsync();
        await worker.AssertStoreAtFaultAsync(store.Bucket, "a.jpg");
        await Assert.ThrowsAsync<DependencyException>(worker.ProbeAsync);

        _proxy.Accept();
        await worker.ProbeAsync();
        await worker.AssertReadsAsync(store.Bucket, "a.jpg", Content);
    }

    [Fact]
    public async Task A_storm_of_errors_over_several_objects_stops_everything_though_the_probe_succeeds()
    {
        _proxy.Plan = FaultPlan.Status(503, "SlowDown", line => line.Contains(".jpg", StringComparison.Ordinal));
        using var worker = Through(FetchingTestStore.Quick with { StormAttempts = 10, StormObjects = 4, StormWindowMs = 60_000 });

        for (var i = 0; i < 3; i++)
            await Assert.ThrowsAsync<TransientException>(() => worker.FetchAsync(store.Bucket, $"{i}.jpg"));

        Assert.Contains("most requests fail", await worker.AssertStoreAtFaultAsync(store.Bucket, "3.jpg"), StringComparison.Ordinal);
        await worker.ProbeAsync();
    }

    [Fact]
    public async Task The_right_to_read_is_enough_for_the_probe()
    {
        using var worker = new FetchingTestStore(store.Other, store.Other.Endpoint, null, await store.CreateBucketAsync(), $"missing-{Guid.NewGuid():N}");
        await worker.ProbeAsync();
    }

    [Fact]
    public async Task A_missing_bucket_does_not_make_the_store_fail()
    {
        var missing = $"missing-{Guid.NewGuid():N}";
        using var worker = new FetchingTestStore(store.Owner, store.Owner.Endpoint, null, missing);
        await worker.ProbeAsync();
        await worker.AssertRejectedAsync(RejectionReason.BucketNotFound, missing, "a.jpg");
    }
}
