using System.Security.Cryptography;
using Microsoft.Extensions.Logging.Abstractions;
using VlWorker.Buffers;
using VlWorker.Contracts;
using VlWorker.Failures;
using VlWorker.Fetching;
using VlWorker.Integration.Infrastructure;

namespace VlWorker.Integration.Fetching;

/// <summary>The worker's S3 store under test, with short time-outs, and what tests ask of it.</summary>
internal sealed class FetchingTestStore : IDisposable
{
    // Short for those who wait for them, and longer than a busy machine takes for an answer.
    public static readonly FetchingOptions Quick = new()
    {
        MaxBytes = 8 << 20,
        BytesInFlight = 16 << 20,
        ConnectTimeoutMs = 5_000,
        FirstByteTimeoutMs = 4_000,
        StallTimeoutMs = 3_000,
        BodyTimeoutMs = 20_000,
        Attempts = 3,
        RetryDelayMs = 10,
    };

    private readonly S3ObjectStore _store;

    public FetchingTestStore(StoreUser user, Uri endpoint, FetchingOptions? limits = null, params string[] buckets)
    {
        var options = new StoreOptions
        {
            Kind = StoreKind.S3,
            Endpoint = endpoint.GetLeftPart(UriPartial.Authority),
            AccessKey = user.AccessKey,
            SecretKey = user.SecretKey,
            Buckets = buckets,
        };
        Assert.Empty(options.Check());
        Budget = new MemoryBudget((limits ?? Quick).BytesInFlight);
        _store = new S3ObjectStore(options, limits ?? Quick, Budget, TimeProvider.System, NullLogger<S3ObjectStore>.Instance);
    }

    public MemoryBudget Budget { get; }

    public Task<FetchedObject> FetchAsync(string bucket, string key, string? versionId = null, string? etag = null, CancellationToken cancellation = default) =>
        _store.FetchAsync(new ImageReference { Bucket = bucket, Key = key, VersionId = versionId, Etag = etag }, cancellation);

    public Task ProbeAsync() => _store.ProbeAsync(CancellationToken.None);

    /// <summary>Fetches and asserts the content and what is reported of it.</summary>
    public async Task AssertReadsAsync(string bucket, string key, byte[] expected)
    {
        using var fetched = await FetchAsync(bucket, key);
        Assert.True(fetched.Content.Span.SequenceEqual(expected));
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(expected)), fetched.Sha256);
    }

    /// <summary>Fetches and asserts the rejection's reason; nothing stays charged to the budget.</summary>
    public async Task<string> AssertRejectedAsync(string reason, string bucket, string key, string? versionId = null, string? etag = null)
    {
        var error = await Assert.ThrowsAsync<RejectedException>(() => FetchAsync(bucket, key, versionId, etag));
        Assert.Equal(reason, error.Reason);
        Assert.Equal(0, Budget.Used);
        return error.Message;
    }

    /// <summary>Fetches and asserts that the store is blamed; nothing stays charged to the budget.</summary>
    public async Task<string> AssertStoreAtFaultAsync(string bucket, string key)
    {
        var error = await Assert.ThrowsAsync<DependencyException>(() => FetchAsync(bucket, key));
        Assert.Equal(Dependency.Store, error.Dependency);
        Assert.Equal(0, Budget.Used);
        return error.Message;
    }

    public void Dispose() => _store.Dispose();
}
