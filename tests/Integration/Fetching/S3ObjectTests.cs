using Amazon.S3;
using Amazon.S3.Model;
using VlWorker.Contracts;
using VlWorker.Failures;
using VlWorker.Fetching;
using VlWorker.Integration.Faults;
using VlWorker.Integration.Infrastructure;

namespace VlWorker.Integration.Fetching;

/// <summary>Objects and their own faults, against the real store.</summary>
public sealed class S3ObjectTests(TestStore store) : IClassFixture<TestStore>
{
    private static readonly byte[] Content = [.. Enumerable.Range(0, 100 << 10).Select(static i => (byte)(i * 31 + i / 251))];

    private FetchingTestStore Open(params string[] more) => new(store.Owner, store.Owner.Endpoint, null, [store.Bucket, .. more]);

    [Fact]
    public async Task An_object_is_read_with_its_hash_and_tag_and_its_memory_given_back()
    {
        var etag = await store.PutAsync("plain.jpg", Content);
        using var worker = Open();

        using (var fetched = await worker.FetchAsync(store.Bucket, "plain.jpg"))
        {
            Assert.Equal(Content, fetched.Content.ToArray());
            Assert.Equal(Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(Content)), fetched.Sha256);
            Assert.Equal((etag, null), (fetched.Etag, fetched.VersionId));
            Assert.Equal(128 << 10, worker.Budget.Used);
        }

        Assert.Equal(0, worker.Budget.Used);
    }

    [Fact]
    public async Task The_entity_tag_is_a_condition_with_or_without_quotes()
    {
        var etag = await store.PutAsync("tagged.jpg", Content);
        using var worker = Open();

        (await worker.FetchAsync(store.Bucket, "tagged.jpg", etag: etag)).Dispose();
        (await worker.FetchAsync(store.Bucket, "tagged.jpg", etag: $"\"{etag}\"")).Dispose();
        await store.PutAsync("tagged.jpg", Content.AsMemory(1));

        await worker.AssertRejectedAsync(RejectionReason.PreconditionFailed, store.Bucket, "tagged.jpg", etag: etag);
        await worker.AssertRejectedAsync(RejectionReason.BadRequest, store.Bucket, "tagged.jpg", etag: "a\r\nx-amz-evil: 1");
    }

    [Fact]
    public async Task Every_fault_of_an_object_has_its_reason()
    {
        var missing = $"missing-{Guid.NewGuid():N}";
        await store.PutAsync("empty.jpg", ReadOnlyMemory<byte>.Empty);
        using var worker = Open(missing);

        await worker.AssertRejectedAsync(RejectionReason.NotFound, store.Bucket, "no such.jpg");
        await worker.AssertRejectedAsync(RejectionReason.BucketNotFound, missing, "plain.jpg");
        await worker.AssertRejectedAsync(RejectionReason.BucketNotAllowed, "elsewhere", "plain.jpg");
        await worker.AssertRejectedAsync(RejectionReason.Empty, store.Bucket, "empty.jpg");
        await worker.ProbeAsync();
    }

    [Fact]
    public async Task A_huge_object_is_rejected_without_being_downloaded()
    {
        await store.PutAsync("huge.jpg", new byte[200_000_000]);
        await using var proxy = FaultProxy.Start(store.Owner.Endpoint);
        using var worker = new FetchingTestStore(store.Owner, new Uri($"http://127.0.0.1:{proxy.Port}"), null, store.Bucket);

        var detail = await worker.AssertRejectedAsync(RejectionReason.TooLarge, store.Bucket, "huge.jpg");

        Assert.Contains("200,000,000", detail, StringComparison.Ordinal);
        await Eventually.TrueAsync("the connection is given up", () => proxy.Connections == 0);
        Assert.InRange(proxy.Passed, 1, 20_000_000);
        await store.DeleteAsync("huge.jpg");
    }

    [Fact]
    public async Task Versions_are_read_as_asked_and_reported()
    {
        var bucket = await store.CreateBucketAsync();
        await store.Client.PutBucketVersioningAsync(new PutBucketVersioningRequest { BucketName = bucket, VersioningConfig = new() { Status = VersionStatus.Enabled } });
        var first = await PutVersionAsync(bucket, "old");
        var second = await PutVersionAsync(bucket, "new");
        var marker = (await store.Client.DeleteObjectAsync(bucket, "v.jpg")).VersionId;
        using var worker = Open(bucket);

        foreach (var (version, text) in new[] { (first, "old"), (second, "new") })
        {
            using var fetched = await worker.FetchAsync(bucket, "v.jpg", version);
            Assert.Equal((text, version), (System.Text.Encoding.UTF8.GetString(fetched.Content.Span), fetched.VersionId));
        }

        await worker.AssertRejectedAsync(RejectionReason.NotFound, bucket, "v.jpg");
        await worker.AssertRejectedAsync(RejectionReason.NotFound, bucket, "v.jpg", marker);
        await worker.AssertRejectedAsync(RejectionReason.NotFound, bucket, "v.jpg", "3HL4kqtJvjVBH40Nrjfkd-no-such-version");
        await store.PutAsync("unversioned.jpg", Content);
        await worker.AssertRejectedAsync(RejectionReason.NotFound, store.Bucket, "unversioned.jpg", first);
        await worker.AssertRejectedAsync(RejectionReason.NotFound, store.Bucket, "unversioned.jpg", "a b&versionId=c/../?#%00");
    }

    [Fact]
    public async Task Access_denied_on_one_object_is_the_objects_fault_and_the_others_are_read()
    {
        await store.PutAsync("open.jpg", Content);
        await store.PutAsync("closed.jpg", Content);
        await store.LetOtherReadAsync(null, "closed.jpg");
        using var worker = new FetchingTestStore(store.Other, store.Other.Endpoint, null, store.Bucket);

        await worker.AssertRejectedAsync(RejectionReason.AccessDenied, store.Bucket, "closed.jpg");
        await worker.AssertReadsAsync(store.Bucket, "open.jpg", Content);
    }

    [Fact]
    public async Task Access_denied_on_everything_is_the_stores_fault()
    {
        var bucket = await store.CreateBucketAsync();
        await store.PutAsync("a.jpg", Content, bucket: bucket);
        using var worker = new FetchingTestStore(
            store.Other, store.Other.Endpoint, FetchingTestStore.Quick with { StormAttempts = 6, StormObjects = 4, StormWindowMs = 60_000 }, bucket);

        for (var i = 1; i < 6; i++)
            await worker.AssertRejectedAsync(RejectionReason.AccessDenied, bucket, $"{i}.jpg");

        Assert.Contains("everything", await worker.AssertStoreAtFaultAsync(bucket, "a.jpg"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Many_at_once_stay_within_the_budget()
    {
        await store.PutAsync("many.jpg", Content);
        var limits = FetchingTestStore.Quick with { MaxBytes = 128 << 10, BytesInFlight = 256 << 10, Connections = 8 };
        using var worker = new FetchingTestStore(store.Owner, store.Owner.Endpoint, limits, store.Bucket);

        await Task.WhenAll(Enumerable.Range(0, 40).Select(async _ =>
        {
            using var fetched = await worker.FetchAsync(store.Bucket, "many.jpg");
            Assert.InRange(worker.Budget.Used, 128 << 10, 256 << 10);
            Assert.Equal(Content.Length, fetched.Content.Length);
        }));

        Assert.Equal(0, worker.Budget.Used);
    }

    private async Task<string> PutVersionAsync(string bucket, string text) => (await store.Client.PutObjectAsync(new PutObjectRequest
    {
        BucketName = bucket,
        Key = "v.jpg",
        InputStream = new MemoryStream(System.Text.Encoding.UTF8.GetBytes(text)),
        UseChunkEncoding = false,
    })).VersionId;
}
