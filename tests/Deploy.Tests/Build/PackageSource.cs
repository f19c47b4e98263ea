using System.IO.Compression;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace VlWorker.Deploy.Tests.Build;

/// <summary>A NuGet source with one package, Shaky 1.0.0, and a list that calls its versions below 2 vulnerable.</summary>
internal sealed class PackageSource : IDisposable
{
    private readonly HttpListener _listener = new();
    private readonly string _address;
    private readonly int _severity;

    /// <param name="severity">0 low, 1 moderate, 2 high, 3 critical.</param>
    /// <param name="range">The versions that are vulnerable, as NuGet writes ranges.</param>
    public PackageSource(int severity, string range)
    {
        (_severity, Range) = (severity, range);
        _address = $"http://127.0.0.1:{FreePort()}/";
        _listener.Prefixes.Add(_address);
        _listener.Start();
        _ = ServeAsync();
    }

    /// <summary>Where NuGet begins.</summary>
    public string Index => $"{_address}index.json";

    private string Range { get; }

    /// <inheritdoc/>
    public void Dispose() => _listener.Close();

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private async Task ServeAsync()
    {
        try
        {
            while (true)
            {
                var context = await _listener.GetContextAsync();
                var answer = Answer(context.Request.Url!.AbsolutePath);
                context.Response.StatusCode = answer is null ? 404 : 200;
                await context.Response.OutputStream.WriteAsync(answer ?? []);
                context.Response.Close();
            }
        }
        catch (Exception error) when (error is HttpListenerException or ObjectDisposedException)
        {
            // Closed.
        }
    }

    private byte[]? Answer(string path) => path switch
    {
        "/index.json" => Json($$"""
            {"version":"3.0.0","resources":[{"@id":"{{_address}}packages/","@type":"PackageBaseAddress/3.0.0"},{"@id":"{{_address}}vulnerabilities.json","@type":"VulnerabilityInfo/6.7.0"}]}
            """),
        "/vulnerabilities.json" => Json($$"""[{"@name":"base","@id":"{{_address}}base.json","@updated":"2026-01-01T00:00:00Z"}]"""),
        "/base.json" => Json($$"""{"shaky":[{"url":"https://example.org/advisory","severity":{{_severity}},"versions":"{{Range}}"}]}"""),
        "/packages/shaky/index.json" => Json("""{"versions":["1.0.0"]}"""),
        "/packages/shaky/1.0.0/shaky.1.0.0.nupkg" => Package(),
        _ => null,
    };

    private static byte[] Json(string text) => Encoding.UTF8.GetBytes(text);

    private static byte[] Package()
    {
        using var stream = new MemoryStream();
        using (var archive = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        using (var writer = new StreamWriter(archive.CreateEntry("shaky.nuspec").Open()))
        {
            writer.Write("""
                <?xml version="1.0"?><package xmlns="http://schemas.microsoft.com/packaging/2013/05/nuspec.xsd"><metadata><id>Shaky</id><version>1.0.0</version>
                <authors>tests</authors><description>A package for a test.</description></metadata></package>
                """);
        }

        return stream.ToArray();
    }
}
