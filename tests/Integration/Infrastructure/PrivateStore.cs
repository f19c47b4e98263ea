namespace VlWorker.Integration.Infrastructure;

/// <summary>A store of a test's own, for outages. Its port and objects stay the same over <see cref="KillAsync"/> and <see cref="StartAsync"/>.</summary>
public sealed class PrivateStore : StoreAccess, IAsyncDisposable
{
    private readonly ServerScript _server;

    private PrivateStore(ServerScript server) => _server = server;

    /// <summary>Starts one; the caller disposes it.</summary>
    public static async Task<PrivateStore> StartNewAsync()
    {
        var store = new PrivateStore(new ServerScript("ceph.sh", Repository.NewFolder("store")));
        try
        {
            var uris = await store._server.StartAsync();
            await store.AttachAsync(StoreUser.Parse(uris["VLWORKER_TEST_S3"]), StoreUser.Parse(uris["VLWORKER_TEST_S3_OTHER"]));
            return store;
        }
        catch
        {
            await store._server.RemoveAsync();
            throw;
        }
    }

    /// <summary>From now on the store refuses connections.</summary>
    public Task KillAsync() => _server.RunAsync("kill-gateway");

    /// <summary>The store serves the same objects on the same port again.</summary>
    public Task StartAsync() => _server.RunAsync("start-gateway");

    /// <summary>radosgw-admin; returns what it printed.</summary>
    public Task<string> AdminAsync(params string[] arguments) => _server.RunAsync("admin", arguments);

    /// <summary>Gives the owner another secret, so that the one in use is wrong from now on.</summary>
    public Task SetOwnerSecretAsync(string secret) =>
        AdminAsync("key", "create", "--uid", Owner.AccessKey, "--access-key", Owner.AccessKey, "--secret-key", secret, "--key-type", "s3");

    /// <summary>Stops it and removes its folder.</summary>
    public async ValueTask DisposeAsync()
    {
        Dispose();
        await _server.RemoveAsync();
    }
}
