using System.Text;
using VlWorker.Contracts;
using VlWorker.Integration.Infrastructure;

namespace VlWorker.Integration.Fetching;

/// <summary>A key is read verbatim from the bucket that was named, or rejected: no path tricks.</summary>
public sealed class HostileKeyTests(TestStore store) : IClassFixture<TestStore>
{
    public static TheoryData<string> Keys => new(
        "..", "../", "...", ".", "./x", "a/../b", "a/./b", "a/..", "a//b", "a/", "//a", "/a", "/", "/../x", "/a?b#c", "/é +", "a?b", "a#b", "?acl",
        "?versionId=1", "a%2e%2e/b", "%2e%2e/x", "%", "%00", "%2F", "a\\b", "..\\x", "a\tb", "a\r\nX-Evil: 1", "\u0001", "https://other.example/x",
        "a b+c&d=e;f,g:h@i$j!k'l(m)n*o~p", "a\"b<c>|^`{}[]", "ü ñ/日本 😀.jpg", "e\u0301", "\u00e9", " leading and trailing ");

    [Theory]
    [MemberData(nameof(Keys))]
    public async Task A_key_is_read_verbatim(string key)
    {
        // The object was put by a client whose requests are signed and encoded elsewhere, so both must agree on the name.
        var content = Encoding.UTF8.GetBytes("content of " + key);
        await RawStore.PutAsync(store.Owner, store.Bucket, key, content);
        using var worker = new FetchingTestStore(store.Owner, store.Owner.Endpoint, null, store.Bucket);

        await worker.AssertReadsAsync(store.Bucket, key, content);

        // The store's clean-up sends lists of keys as XML, which has no way to write some of these.
        await RawStore.DeleteAsync(store.Owner, store.Bucket, key);
    }

    [Theory]
    [InlineData("../{0}/secret.jpg")]
    [InlineData("/../{0}/secret.jpg")]
    [InlineData("a/../../{0}/secret.jpg")]
    [InlineData("..%2f{0}/secret.jpg")]
    [InlineData("%2e%2e/{0}/secret.jpg")]
    [InlineData("%2e%2e%2f{0}%2fsecret.jpg")]
    [InlineData("..\\{0}\\secret.jpg")]
    [InlineData("..;/{0}/secret.jpg")]
    [InlineData("//{0}/secret.jpg")]
    public async Task No_key_leaves_its_bucket(string pattern)
    {
        var other = await store.CreateBucketAsync();
        await store.PutAsync("secret.jpg", "secret"u8.ToArray(), bucket: other);
        using var worker = new FetchingTestStore(store.Owner, store.Owner.Endpoint, null, store.Bucket);

        await worker.AssertRejectedAsync(RejectionReason.NotFound, store.Bucket, pattern.Replace("{0}", other, StringComparison.Ordinal));
    }

    [Fact]
    public async Task No_bucket_but_an_allowed_one_is_asked()
    {
        var other = await store.CreateBucketAsync();
        await store.PutAsync("secret.jpg", "secret"u8.ToArray(), bucket: other);
        using var worker = new FetchingTestStore(store.Owner, store.Owner.Endpoint, null, store.Bucket);

        string[] tricks = [other, $"{store.Bucket}/../{other}", $"../{other}", store.Bucket.ToUpperInvariant(), store.Bucket + "/", $"{other}?x", ".."];
        foreach (var trick in tricks)
            await worker.AssertRejectedAsync(RejectionReason.BucketNotAllowed, trick, "secret.jpg");
    }

    [Fact]
    public async Task A_key_that_can_not_be_written_is_rejected()
    {
        using var worker = new FetchingTestStore(store.Owner, store.Owner.Endpoint, null, store.Bucket);
        foreach (var key in (string[])["a\ud800b", "\udc00", "a\0b"])
            await worker.AssertRejectedAsync(RejectionReason.BadRequest, store.Bucket, key);
    }

    [Fact]
    public async Task A_key_of_1024_bytes_is_asked_for_and_a_longer_one_is_not()
    {
        using var worker = new FetchingTestStore(store.Owner, store.Owner.Endpoint, null, store.Bucket);
        await worker.AssertRejectedAsync(RejectionReason.NotFound, store.Bucket, new string('a', 1024));
        await worker.AssertRejectedAsync(RejectionReason.BadRequest, store.Bucket, new string('a', 1025));
    }
}
