using System.Net.Http.Json;

namespace VlWorker.Integration.Infrastructure;

/// <summary>
/// A virtual host of its own on the shared broker: the topology's names are fixed, so test classes would get into each other's way.
/// Take it as <c>IClassFixture&lt;TestBroker&gt;</c>; a test that needs an empty one makes it with <see cref="CreateAsync"/>.
/// </summary>
public sealed class TestBroker : BrokerAccess, IAsyncLifetime
{
    /// <summary>An empty virtual host; the caller disposes it.</summary>
    public static async Task<TestBroker> CreateAsync()
    {
        var broker = new TestBroker();
        await broker.InitializeAsync();
        return broker;
    }

    /// <inheritdoc/>
    public async Task InitializeAsync()
    {
        var (broker, management) = await SharedBroker.GetAsync();
        var name = $"test-{Guid.NewGuid():N}";
        Attach(new UriBuilder(broker) { Path = $"/{name}" }.Uri, management);
        using var made = await Management.PutAsync(Relative($"vhosts/{name}"), content: null);
        made.EnsureSuccessStatusCode();
        var user = Uri.UnescapeDataString(Uri.UserInfo.Split(':')[0]);
        var everything = new { configure = ".*", write = ".*", read = ".*" };
        using var allowed = await Management.PutAsJsonAsync(Relative($"permissions/{name}/{user}"), everything);
        allowed.EnsureSuccessStatusCode();
    }

    /// <summary>Deletes the virtual host with all that is in it.</summary>
    public override async ValueTask DisposeAsync()
    {
        using (await Management.DeleteAsync(Relative($"vhosts/{VirtualHost}")))
            await base.DisposeAsync();
    }

    async Task IAsyncLifetime.DisposeAsync() => await DisposeAsync();

    private static Uri Relative(string path) => new(path, UriKind.Relative);
}
