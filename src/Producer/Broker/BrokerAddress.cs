using RabbitMQ.Client;
using VlWorker.Security;

namespace VlWorker.Producer.Broker;

/// <summary>Where the broker is and who we are. Its text never holds the password.</summary>
internal sealed class BrokerAddress
{
    /// <summary>The environment variable with the URI; a password on the command line would show in the list of processes.</summary>
    public const string Variable = "VLWORKER_BROKER_URI";

    /// <summary>What is tried when nothing is said.</summary>
    public const string Default = "amqp://guest:guest@localhost:5672/";

    /// <summary>Names of the environment variables with the files for TLS.</summary>
    public const string CaVariable = "VLWORKER_BROKER_CA_FILE", CertificateVariable = "VLWORKER_BROKER_CLIENT_CERTIFICATE_FILE",
        KeyVariable = "VLWORKER_BROKER_CLIENT_KEY_FILE";

    private static readonly TlsFiles SystemsAuthorities = new(null, null, null);

    private readonly Uri _uri;
    private readonly TlsFiles _tls;

    private BrokerAddress(Uri uri, TlsFiles tls) => (_uri, _tls) = (uri, tls);

    /// <summary>The virtual host.</summary>
    public string VirtualHost => _uri.AbsolutePath.Length <= 1 ? "/" : Uri.UnescapeDataString(_uri.AbsolutePath[1..]);

    /// <summary>Parses an AMQP URI: <c>amqp[s]://user:password@host:port/vhost</c>.</summary>
    /// <param name="uri">The URI.</param>
    /// <param name="tls">What is trusted and shown where the scheme is amqps; null for the system's authorities and no certificate.</param>
    /// <exception cref="ProducerException">It is none, or the files can't be used with it.</exception>
    public static BrokerAddress Parse(string uri, TlsFiles? tls = null)
    {
        if (!Uri.TryCreate(uri, UriKind.Absolute, out var parsed) || parsed.Scheme is not ("amqp" or "amqps") || parsed.Host.Length == 0)
            throw new ProducerException(ExitCode.Usage, "the broker's URI must look like amqp://user:password@host:5672/vhost");
        if (parsed.Segments.Length > 2)
            throw new ProducerException(ExitCode.Usage, "the broker's URI has several path segments: write a slash in a virtual host as %2f");
        tls ??= SystemsAuthorities;
        if (parsed.Scheme == "amqp" && tls.Any)
            throw new ProducerException(ExitCode.Usage, "certificates are for brokers whose URI begins with amqps");
        if (tls.Check().ToArray() is { Length: > 0 } errors)
            throw new ProducerException(ExitCode.Usage, $"the files for the broker's TLS: {string.Join("; ", errors)}");
        return new BrokerAddress(parsed, tls);
    }

    /// <summary>Settings of a connection that is not repaired by itself: a command ends when its connection does.</summary>
    public ConnectionFactory CreateFactory(string purpose, TimeSpan timeout)
    {
        var factory = new ConnectionFactory
        {
            Uri = _uri,
            ClientProvidedName = $"vl-producer {purpose}",
            AutomaticRecoveryEnabled = false,
            TopologyRecoveryEnabled = false,
            RequestedConnectionTimeout = timeout,
            HandshakeContinuationTimeout = timeout,
        };
        // The client would take any name otherwise.
        factory.Ssl.ServerName = factory.HostName;
        factory.Ssl.CertificateSelectionCallback = _tls.Selection;
        factory.Ssl.CertificateValidationCallback = _tls.Verify;
        return factory;
    }

    /// <summary>Scheme, user, host, port and virtual host.</summary>
    public override string ToString()
    {
        var user = _uri.UserInfo.Length == 0 ? "" : _uri.UserInfo.Split(':')[0] + "@";
        var port = _uri.Port > 0 ? _uri.Port : _uri.Scheme == "amqps" ? 5671 : 5672;
        return $"{_uri.Scheme}://{user}{_uri.Host}:{port}{_uri.AbsolutePath}";
    }
}
