using VlWorker.Integration.Infrastructure;

namespace VlWorker.Integration.Security;

/// <summary>A broker that takes TLS connections only from clients with a certificate of the authority, and a store.</summary>
public sealed class BrokerTlsFixture : IAsyncLifetime
{
    private PrivateBroker? _broker;

    internal TestAuthority Authority { get; } = new();

    internal TestAuthority Other { get; } = new();

    internal PrivateBroker Broker => _broker!;

    internal int Port { get; } = Ports.Free();

    /// <summary>amqps with the broker's user.</summary>
    internal string Uri => $"amqps://guest:guest@127.0.0.1:{Port}/";

    /// <summary>The certificate of the worker.</summary>
    internal (string Certificate, string Key) Client { get; private set; }

    public async Task InitializeAsync()
    {
        var server = Authority.Issue("server");
        Client = Authority.Issue("worker", client: true);
        _broker = await PrivateBroker.StartNewAsync($"""
            listeners.ssl.1 = 127.0.0.1:{Port}
            ssl_options.cacertfile = {Authority.CaFile}
            ssl_options.certfile = {server.Certificate}
            ssl_options.keyfile = {server.Key}
            ssl_options.verify = verify_peer
            ssl_options.fail_if_no_peer_cert = true
            """);
    }

    public async Task DisposeAsync()
    {
        await Broker.DisposeAsync();
        Authority.Dispose();
        Other.Dispose();
    }
}
