using VlWorker.Fetching;

namespace VlWorker.Worker.Tests.Fetching;

public sealed class StoreOptionsTests
{
    private static readonly StoreOptions S3 = new() { Kind = StoreKind.S3, Endpoint = "https://store.example:9000", AccessKey = "key", SecretKey = "secret", Buckets = ["photos"] };

    [Fact]
    public void Good_settings_pass()
    {
        Assert.Empty(S3.Check());
        Assert.Empty((S3 with { Endpoint = null, AccessKey = null, SecretKey = null }).Check());
        Assert.Empty(new StoreOptions { Kind = StoreKind.Folder, Folder = Path.GetTempPath(), FolderBucket = "samples" }.Check());
        Assert.Empty(new FetchingOptions().Check());
    }

    [Fact]
    public void Everything_that_is_wrong_is_said_at_once()
    {
        var errors = new StoreOptions { Kind = StoreKind.S3, Endpoint = "store:9000/x", AccessKey = "key", SessionToken = "" }.Check().ToArray();
        Assert.Equal(3, errors.Length);
        Assert.Contains("Store:Buckets", errors[0], StringComparison.Ordinal);
        Assert.Contains("Store:Endpoint", errors[1], StringComparison.Ordinal);
        Assert.Contains("Store:SecretKey", errors[2], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a/b")]
    [InlineData("..")]
    [InlineData("a..b")]
    [InlineData("arn:aws:s3:::b")]
    [InlineData("a?b")]
    [InlineData("a%2fb")]
    public void A_name_that_is_no_bucket_can_not_be_allowed(string bucket) => Assert.Single((S3 with { Buckets = [bucket] }).Check());

    [Theory]
    [InlineData("ftp://store")]
    [InlineData("http://key:pa$$@store:9000")]
    [InlineData("https://store/?x=1")]
    [InlineData("ht tp://key:pa$$@store")]
    public void An_endpoint_is_an_http_URL_and_its_secrets_are_not_repeated(string endpoint)
    {
        var error = Assert.Single((S3 with { Endpoint = endpoint }).Check());
        Assert.DoesNotContain("pa$$", error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_must_be_there()
    {
        Assert.Contains("missing", Assert.Single(new StoreOptions { Kind = StoreKind.Folder, Buckets = ["b"] }.Check()), StringComparison.Ordinal);
        Assert.Contains("no folder", Assert.Single(new StoreOptions { Kind = StoreKind.Folder, Buckets = ["b"], Folder = "/no/such" }.Check()), StringComparison.Ordinal);
    }

    [Fact]
    public void The_folders_bucket_is_allowed_in_a_folder_only()
    {
        Assert.Equal(["b", "root"], new StoreOptions { Kind = StoreKind.Folder, Buckets = ["b"], FolderBucket = "root" }.Allowed().Order());
        Assert.Equal(["photos"], (S3 with { FolderBucket = "root" }).Allowed());
    }

    [Fact]
    public void Limits_that_can_not_work_together_are_refused()
    {
        var errors = new FetchingOptions { BytesInFlight = 1, FirstByteTimeoutMs = 1, BodyTimeoutMs = 1, StormObjects = 30 }.Check().ToArray();
        Assert.Equal(
            ["Fetching:BytesInFlight", "Fetching:FirstByteTimeoutMs", "Fetching:BodyTimeoutMs", "Fetching:StormObjects"],
            errors.Select(error => error.Split(": ")[0]));
    }
}
