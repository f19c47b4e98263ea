using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.RegularExpressions;
using VlWorker.Security;

namespace VlWorker.Fetching;

/// <summary>Which kind of object store there is.</summary>
internal enum StoreKind
{
    /// <summary>Files below a folder.</summary>
    Folder,

    /// <summary>Anything that speaks S3.</summary>
    S3,
}

/// <summary>Where images are read from, and nothing else: only the buckets listed here can be named by a message.</summary>
internal sealed partial record StoreOptions
{
    public static string Section => "Store";

    [Description("S3 for an S3-compatible store, Folder for files below a folder.")]
    public StoreKind Kind { get; init; } = StoreKind.S3;

    [Description("Buckets that messages may name; every other one is rejected as bucket-not-allowed.")]
    public string[] Buckets { get; init; } = [];

    [Description("S3: base URL of the store, such as https://s3.example.org:9000; empty for Amazon S3 in the region.")]
    public string? Endpoint { get; init; }

    [Description("S3: region that requests are signed for.")]
    [Required]
    public string Region { get; init; } = "us-east-1";

    [Description("S3: access key; empty takes the AWS SDK's chain (environment, profile, web identity, container and instance roles).")]
    public string? AccessKey { get; init; }

    [Description("S3: secret key that belongs to the access key.")]
    public string? SecretKey { get; init; }

    [Description("S3: file with the secret key, in place of SecretKey; read again every 30 seconds.")]
    public string? SecretKeyFile { get; init; }

    [Description("S3: session token of temporary credentials.")]
    public string? SessionToken { get; init; }

    [Description("S3 over https: PEM file with the certificates of the authorities that may vouch for the store, in place of the system's.")]
    public string? CaFile { get; init; }

    [Description("S3 over https: PEM file with the certificate that the worker shows to the store.")]
    public string? ClientCertificateFile { get; init; }

    [Description("S3 over https: PEM file with the private key of the worker's certificate, not encrypted.")]
    public string? ClientKeyFile { get; init; }

    [Description("S3: the bucket stands in the path; false puts it into the host name.")]
    public bool ForcePathStyle { get; init; } = true;

    [Description("S3: go through the proxy that HTTP_PROXY, HTTPS_PROXY and NO_PROXY name.")]
    public bool UseProxy { get; init; }

    [Description("Folder: the root folder. A bucket is the sub-folder of its name, a key the path below it.")]
    public string? Folder { get; init; }

    [Description("Folder: a bucket that is the root folder itself; it need not be listed among the buckets.")]
    public string? FolderBucket { get; init; }

    /// <summary>What the worker trusts and shows.</summary>
    public TlsFiles Tls => new(CaFile, ClientCertificateFile, ClientKeyFile);

    /// <summary>Names that messages may use, compared ordinally.</summary>
    public IReadOnlySet<string> Allowed()
    {
        var allowed = new HashSet<string>(Buckets, StringComparer.Ordinal);
        if (Kind == StoreKind.Folder && !string.IsNullOrEmpty(FolderBucket))
            allowed.Add(FolderBucket);
        return allowed;
    }

    /// <summary>Everything that is wrong with these settings as far as it shows without the network, each a sentence.</summary>
    public IEnumerable<string> Check()
    {
        if (Allowed().Count == 0)
            yield return $"{Section}:{nameof(Buckets)}: no bucket is allowed, so every message would be rejected";
        foreach (var bucket in Allowed().Where(bucket => !BucketName().IsMatch(bucket) || bucket.Contains("..", StringComparison.Ordinal)))
            yield return $"{Section}:{nameof(Buckets)}: '{bucket}' is not a bucket's name (letters, digits, dots, hyphens and underscores)";
        foreach (var error in Kind == StoreKind.S3 ? CheckS3() : CheckFolder())
            yield return error;
    }

    /// <summary>Kind and place without keys.</summary>
    public override string ToString() => $"{nameof(StoreOptions)} {{ {Kind}, {Endpoint ?? Folder} }}";

    private IEnumerable<string> CheckS3()
    {
        if (!string.IsNullOrEmpty(Endpoint))
        {
            if (!Uri.TryCreate(Endpoint, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https"))
                yield return $"{Section}:{nameof(Endpoint)}: '{WithoutUser(Endpoint)}' is not an http or https URL";
            else if (uri.UserInfo.Length > 0 || uri.Query.Length > 0 || uri.Fragment.Length > 0)
                yield return $"{Section}:{nameof(Endpoint)}: credentials, query and fragment don't belong into the URL";
        }

        if (string.IsNullOrEmpty(AccessKey) != (string.IsNullOrEmpty(SecretKey) && string.IsNullOrEmpty(SecretKeyFile)))
            yield return $"{Section}:{nameof(AccessKey)} and {Section}:{nameof(SecretKey)} (or {nameof(SecretKeyFile)}) go together: one of them is missing";
        if (!string.IsNullOrEmpty(SecretKeyFile) && SecretFile.Problem(SecretKeyFile) is { } problem)
            yield return $"{Section}:{nameof(SecretKeyFile)}: {problem}";
        foreach (var error in Tls.Check())
            yield return $"{Section}:{error}";
        if (!string.IsNullOrEmpty(SessionToken) && string.IsNullOrEmpty(AccessKey))
            yield return $"{Section}:{nameof(SessionToken)}: a session token needs the access key and secret key that it was given with";
    }

    private IEnumerable<string> CheckFolder()
    {
        if (string.IsNullOrWhiteSpace(Folder))
            yield return $"{Section}:{nameof(Folder)}: the root folder is missing";
        else if (!Directory.Exists(Folder))
            yield return $"{Section}:{nameof(Folder)}: there is no folder '{Folder}'";
    }

    /// <summary>An unreadable URL may still hold a password.</summary>
    private static string WithoutUser(string url) => url.LastIndexOf('@') is >= 0 and var at ? "***" + url[at..] : url;

    [GeneratedRegex("^[A-Za-z0-9][A-Za-z0-9._-]{0,254}$", RegexOptions.CultureInvariant)]
    private static partial Regex BucketName();
}
