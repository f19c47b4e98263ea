using RabbitMQ.Client;

namespace VlWorker.Producer.Broker;

/// <summary>Where the broker is and who we are. Its text never holds the password.</summary>
internal sealed class BrokerAddress
{
    /// <summary>The environment variable with the URI; a password on the command line would show in the list of processes.</summary>
    public const string Variable = "VLWORKER_BROKER_URI";

    /// <summary>What is tried when nothing is said.</summary>
    public const string Default = "amqp://guest:guest@localhost:5672/";

    private readonly Uri _uri;

    private BrokerAddress(Uri uri) => _uri = uri;

    /// <summary>The virtual host.</summary>
    public string VirtualHost => _uri.AbsolutePath.Length <= 1 ? "/" : Uri.UnescapeDataString(_uri.AbsolutePath[1..]);

    /// <summary>Parses an AMQP URI: <c>amqp[s]://user:password@host:port/vhost</c>.</summary>
    /// <exception cref="ProducerException">It is none.</exception>
    public static BrokerAddress Parse(string uri)
    {
        if (!Uri.TryCreate(uri, UriKind.Absolute, out var parsed) || parsed.Scheme is not ("amqp" or "amqps") || parsed.Host.Length == 0)
            throw new ProducerException(ExitCode.Usage, "the broker's URI must look like amqp://user:password@host:5672/vhost");
        if (parsed.Segments.Length > 2)
            throw new ProducerException(ExitCode.Usage, "the broker's URI has several path segments: write a slash in a virtual host as %2f");
        return new BrokerAddress(parsed);
    }

    /// <summary>Settings of a connection that is not repaired by itself: a command ends when its connection does.</summary>
    public ConnectionFactory CreateFactory(string purpose, TimeSpan timeout) => new()
    {
        Uri = _uri,
        ClientProvidedName = $"vl-producer {purpose}",
        AutomaticRecoveryEnabled = false,
        TopologyRecoveryEnabled = false,
        RequestedConnectionTimeout = timeout,
        HandshakeContinuationTimeout = timeout,
    };

    /// <summary>Scheme, user, host, port and virtual host.</summary>
    public override string ToString()
    {
        var user = _uri.UserInfo.Length == 0 ? "" : _uri.UserInfo.Split(':')[0] + "@";
        var port = _uri.Port > 0 ? _uri.Port : _uri.Scheme == "amqps" ? 5671 : 5672;
        return $"{_uri.Scheme}://{user}{_uri.Host}:{port}{_uri.AbsolutePath}";
    }
}
