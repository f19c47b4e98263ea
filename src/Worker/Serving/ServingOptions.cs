using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace VlWorker.Serving;

/// <summary>The worker's HTTP side.</summary>
internal sealed record ServingOptions
{
    public static string Section => "Serving";

    private const int ShortestKey = 16;

    [Description("Addresses to listen on, separated by semicolons: health, metrics, status page and REST. HTTP/1.1; with https also HTTP/2.")]
    [Required]
    public string Urls { get; init; } = "http://0.0.0.0:8080";

    [Description("Further addresses, for HTTP/2 without TLS (prior knowledge), separated by semicolons; empty: none.")]
    public string Http2Urls { get; init; } = "";

    [Description("Certificate of https addresses, with its chain: a PEM file.")]
    public string? CertificateFile { get; init; }

    [Description("The certificate's private key: a PEM file.")]
    public string? CertificateKeyFile { get; init; }

    [Description("Serve POST /predict and POST /v1/embeddings (docs/rest.md).")]
    public bool Rest { get; init; } = true;

    [Description("Key that REST requests and the status page must show, 16 characters or more; empty, as ApiKeyFile: nobody is asked.")]
    public string? ApiKey { get; init; }

    [Description("File with such keys, one a line; each is accepted, so that they can be changed one after the other.")]
    public string? ApiKeyFile { get; init; }

    [Description("Size of a request's body at most, in bytes; larger ones are refused as too-large.")]
    [Range(1024L, 1L << 30)]
    public long MaxBodyBytes { get; init; } = 32L << 20;

    [Description("Memory of bodies that are not decoded yet, all together, in bytes; further ones wait. Messages have their own.")]
    [Range(1024L, 1L << 40)]
    public long BytesInFlight { get; init; } = 128L << 20;

    [Description("Images and texts of REST requests in the worker's hands at most; a request above that is refused as overloaded, with Retry-After.")]
    [Range(1, 100_000)]
    public int Backlog { get; init; } = 256;

    [Description("Images and texts of one request to /v1/embeddings at most.")]
    [Range(1, 10_000)]
    public int MaxInputs { get; init; } = 128;

    [Description("Time allowed for a REST request, in seconds; one that is not done by then is answered as expired.")]
    [Range(0.1, 3600d)]
    public double RequestTimeoutSeconds { get; init; } = 30;

    [Description("Connections at the same time at most; further ones are closed.")]
    [Range(1, 100_000)]
    public int MaxConnections { get; init; } = 1024;

    [Description("Serve the status page at /.")]
    public bool StatusPage { get; init; } = true;

    [Description("Captions that the status page shows with their thumbnails; 0 shows none, and keeps nothing of any image.")]
    [Range(0, 100)]
    public int LastCaptions { get; init; } = 12;

    /// <summary>The addresses of a setting.</summary>
    public static string[] Split(string urls) => urls.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    /// <summary>What is wrong with these settings.</summary>
    public IEnumerable<string> Check() =>
    [
        .. Split(Urls).Where(url => Listeners.Parse(url)?.Scheme is not ("http" or "https")).Select(url => $"Urls: '{url}' is not an http address"),
        .. Split(Http2Urls).Where(url => Listeners.Parse(url)?.Scheme is not "http").Select(url => $"Http2Urls: '{url}' is not an http address"),
        .. CheckCertificate(),
        .. CheckKeys(),
        .. MaxInputs > Backlog ? ["MaxInputs is above Backlog: a request of that size could never be taken"] : Array.Empty<string>(),
        .. MaxBodyBytes > BytesInFlight ? ["MaxBodyBytes is above BytesInFlight"] : Array.Empty<string>(),
    ];

    private IEnumerable<string> CheckCertificate()
    {
        var needed = Split(Urls).Any(url => url.StartsWith("https:", StringComparison.OrdinalIgnoreCase));
        if (needed && (string.IsNullOrEmpty(CertificateFile) || string.IsNullOrEmpty(CertificateKeyFile)))
            yield return "an https address needs CertificateFile and CertificateKeyFile";
        foreach (var (name, file) in new[] { (nameof(CertificateFile), CertificateFile), (nameof(CertificateKeyFile), CertificateKeyFile) })
        {
            if (!string.IsNullOrEmpty(file) && !File.Exists(file))
                yield return $"{name}: there is no file '{file}'";
        }
    }

    private IEnumerable<string> CheckKeys()
    {
        if (!string.IsNullOrEmpty(ApiKey) && ApiKey.Length < ShortestKey)
            yield return $"ApiKey is shorter than {ShortestKey} characters";
        if (string.IsNullOrEmpty(ApiKeyFile))
            yield break;
        if (!File.Exists(ApiKeyFile))
            yield return $"ApiKeyFile: there is no file '{ApiKeyFile}'";
        else if (KeysOf(ApiKeyFile) is var keys && (keys.Length == 0 || keys.Any(key => key.Length < ShortestKey)))
            yield return $"ApiKeyFile: '{ApiKeyFile}' holds no key, or one that is shorter than {ShortestKey} characters";
    }

    /// <summary>All keys of the settings; empty: nobody is asked for one.</summary>
    public IReadOnlyList<string> Keys() =>
    [
        .. string.IsNullOrEmpty(ApiKey) ? [] : new[] { ApiKey },
        .. string.IsNullOrEmpty(ApiKeyFile) ? [] : KeysOf(ApiKeyFile),
    ];

    /// <summary>The settings without secrets.</summary>
    public override string ToString() => $"{nameof(ServingOptions)} {{ {Urls}, {(Rest ? "REST" : "no REST")} }}";

    private static string[] KeysOf(string file) => [.. File.ReadLines(file).Select(line => line.Trim()).Where(line => line.Length > 0)];
}
