using System.Net;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace VlWorker.Serving;

/// <summary>Where the worker listens, and what it takes from a connection at most.</summary>
internal static class Listeners
{
    /// <summary>Opens the addresses of the settings.</summary>
    public static void Configure(KestrelServerOptions server, ServingOptions options)
    {
        server.AddServerHeader = false;
        server.Limits.MaxRequestBodySize = options.MaxBodyBytes;
        server.Limits.MaxConcurrentConnections = options.MaxConnections;
        foreach (var url in ServingOptions.Split(options.Urls).Select(url => Parse(url)!))
        {
            // Without TLS the two versions can't be told apart on one port: HTTP/2 has addresses of its own.
            Listen(server, url, listener =>
            {
                listener.Protocols = url.Scheme == "https" ? HttpProtocols.Http1AndHttp2 : HttpProtocols.Http1;
                if (url.Scheme == "https")
                    listener.UseHttps(Certificate(options));
            });
        }

        foreach (var url in ServingOptions.Split(options.Http2Urls).Select(url => Parse(url)!))
            Listen(server, url, listener => listener.Protocols = HttpProtocols.Http2);
    }

    /// <summary>Whether nobody but this machine can reach the worker.</summary>
    public static bool OnlyLoopback(ServingOptions options) =>
        ServingOptions.Split(options.Urls).Concat(ServingOptions.Split(options.Http2Urls)).All(url => Parse(url) is { IsLoopback: true });

    /// <summary>An address; <c>*</c> and <c>+</c> are every host. Null if it is none.</summary>
    public static Uri? Parse(string url)
    {
        var text = url.Replace("//+", "//[::]", StringComparison.Ordinal).Replace("//*", "//[::]", StringComparison.Ordinal);
        return Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Host.Length > 0 && uri.AbsolutePath == "/" ? uri : null;
    }

    private static void Listen(KestrelServerOptions server, Uri url, Action<ListenOptions> configure)
    {
        if (url.Host == "localhost" && url.Port != 0)
            server.ListenLocalhost(url.Port, configure);
        else if (IPAddress.TryParse(url.Host.Trim('[', ']'), out var address) && !address.Equals(IPAddress.IPv6Any))
            server.Listen(address, url.Port, configure);
        else if (url.Host == "localhost")
            server.Listen(IPAddress.Loopback, 0, configure);
        else
            server.ListenAnyIP(url.Port, configure);
    }

    private static X509Certificate2 Certificate(ServingOptions options) =>
        X509Certificate2.CreateFromPemFile(options.CertificateFile!, options.CertificateKeyFile);
}
