using System.Net;
using Amazon.S3;

namespace VlWorker.Integration.Infrastructure;

/// <summary>The shared store as tests see it.</summary>
public sealed class StoreTests(TestStore store) : IClassFixture<TestStore>
{
    private static readonly byte[] Content = [.. Enumerable.Range(0, 100_000).Select(static i => (byte)(i * 31))];

    [Fact]
    public async Task An_object_comes_back_as_it_was_stored()
    {
        var etag = await store.PutAsync("folder/a name.jpg", Content);

        Assert.Equal(Content, await store.GetAsync("folder/a name.jpg"));
        Assert.Matches("^[0-9a-f]{32}$", etag);

        await store.DeleteAsync("folder/a name.jpg");
        var error = await Assert.ThrowsAnyAsync<AmazonS3Exception>(() => store.GetAsync("folder/a name.jpg"));
        Assert.Equal(HttpStatusCode.NotFound, error.StatusCode);
    }

    [Fact]
    public async Task A_wrong_secret_is_refused()
    {
        await store.PutAsync("guarded", Content);
        using var stranger = (store.Owner with { SecretKey = "wrong" }).Connect();

        var error = await Assert.ThrowsAsync<AmazonS3Exception>(() => stranger.GetObjectAsync(store.Bucket, "guarded"));

        Assert.Equal("SignatureDoesNotMatch", error.ErrorCode);
    }

    [Fact]
    public async Task The_other_user_reads_what_it_is_let_to_and_no_more()
    {
        var bucket = await store.CreateBucketAsync();
        await store.PutAsync("open", Content, bucket: bucket);
        await store.PutAsync("closed", Content, bucket: bucket);
        using var other = store.Other.Connect();
        await Denied(() => other.GetObjectAsync(bucket, "open"));

        await store.LetOtherReadAsync(bucket, "closed");

        (await other.GetObjectAsync(bucket, "open")).Dispose();
        await Denied(() => other.GetObjectAsync(bucket, "closed"));
    }

    private static async Task Denied(Func<Task> read) =>
        Assert.Equal("AccessDenied", (await Assert.ThrowsAsync<AmazonS3Exception>(read)).ErrorCode);
}
