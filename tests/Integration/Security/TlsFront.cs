using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace VlWorker.Integration.Security;

/// <summary>Ends TLS in front of a server that speaks plain TCP, as a load balancer does. Can demand a client's certificate of one authority.</summary>
internal sealed class TlsFront : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Uri _target;
    private readonly SslServerAuthenticationOptions _options;
    private readonly Task _accepting;

    private TlsFront(Uri target, SslServerAuthenticationOptions options)
    {
        (_target, _options) = (target, options);
        _listener.Start();
        _accepting = AcceptAsync();
    }

    /// <summary>Its address.</summary>
    public Uri Address => new($"https://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/");

    /// <summary>Connections whose handshake succeeded.</summary>
    public int Accepted { get; private set; }

    /// <summary>Starts one.</summary>
    /// <param name="target">The server behind it.</param>
    /// <param name="files">The server's certificate and key.</param>
    /// <param name="clientAuthority">PEM file of the authority that clients' certificates must be of; null to demand none.</param>
    public static TlsFront Start(Uri target, (string Certificate, string Key) files, string? clientAuthority = null)
    {
        var authorities = new X509Certificate2Collection();
        if (clientAuthority is not null)
            authorities.ImportFromPemFile(clientAuthority);
        return new TlsFront(target, new SslServerAuthenticationOptions
        {
            ServerCertificate = X509Certificate2.CreateFromPemFile(files.Certificate, files.Key),
            ClientCertificateRequired = clientAuthority is not null,
            CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
            RemoteCertificateValidationCallback = (_, certificate, _, _) => clientAuthority is null || Issued(certificate, authorities),
        });
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        _stop.Dispose();
    }

    private static bool Issued(X509Certificate? certificate, X509Certificate2Collection authorities)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(authorities);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        return certificate is X509Certificate2 shown && chain.Build(shown);
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
                _ = ServeAsync(await _listener.AcceptTcpClientAsync(_stop.Token));
        }
        catch (Exception error) when (error is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // Stopped.
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using (client)
        using (var server = new TcpClient())
        {
            try
            {
                await using var secure = new SslStream(client.GetStream());
                await secure.AuthenticateAsServerAsync(_options, _stop.Token);
                Accepted++;
                await server.ConnectAsync(_target.Host, _target.Port, _stop.Token);
                var plain = server.GetStream();
                await Task.WhenAny(secure.CopyToAsync(plain, _stop.Token), plain.CopyToAsync(secure, _stop.Token));
            }
            catch (Exception error) when (error is IOException or AuthenticationException or SocketException or OperationCanceledException)
            {
                // The client does not trust us, or left.
            }
        }
    }
}
