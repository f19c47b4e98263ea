namespace VlWorker.Integration.Infrastructure;

/// <summary>
/// A bucket of its own in the store of the test run: VLWORKER_TEST_S3 (http://ACCESS:SECRET@host:port, with VLWORKER_TEST_S3_OTHER
/// for a second user), else Ceph's gateway from Debian. Take it as <c>IClassFixture&lt;TestStore&gt;</c>.
/// </summary>
public sealed class TestStore : StoreAccess, IAsyncLifetime
{
    private static readonly Lazy<Task<(StoreUser Owner, StoreUser? Other)>> Shared = new(FindAsync);

    /// <inheritdoc/>
    public async Task InitializeAsync()
    {
        var (owner, other) = await Shared.Value;
        await AttachAsync(owner, other);
    }

    /// <summary>Deletes the bucket with all that is in it.</summary>
    public async Task DisposeAsync()
    {
        await Amazon.S3.Util.AmazonS3Util.DeleteS3BucketWithObjectsAsync(Client, Bucket);
        Dispose();
    }

    private static async Task<(StoreUser Owner, StoreUser? Other)> FindAsync()
    {
        var given = Environment.GetEnvironmentVariable("VLWORKER_TEST_S3");
        var other = Environment.GetEnvironmentVariable("VLWORKER_TEST_S3_OTHER");
        if (string.IsNullOrEmpty(given))
        {
            var server = new ServerScript("ceph.sh", Repository.NewFolder("store"));
            var uris = await server.StartAsync();
            (given, other) = (uris["VLWORKER_TEST_S3"], uris["VLWORKER_TEST_S3_OTHER"]);
        }

        return (StoreUser.Parse(given), string.IsNullOrEmpty(other) ? null : StoreUser.Parse(other));
    }
}
