using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using RabbitMQ.Client;
using VlWorker.Security;

namespace VlWorker.Publishing;

/// <summary>How messages travel.</summary>
internal enum BrokerTransport
{
    /// <summary>A RabbitMQ broker: durable, confirmed, redelivered.</summary>
    RabbitMq,

    /// <summary>Queues in this process: nothing survives its end.</summary>
    InMemory,
}

/// <summary>Where the broker is.</summary>
internal sealed record BrokerOptions
{
    public static string Section => "Broker";

    [Description("RabbitMq, or InMemory for queues inside this process: those lose everything when it ends, and know no confirms.")]
    public BrokerTransport Transport { get; init; } = BrokerTransport.RabbitMq;

    [Description("Address of the broker with user and password: amqp://user:password@host:5672/vhost, amqps:// for TLS (port 5671).")]
    [Required]
    public string Uri { get; init; } = "amqp://guest:guest@localhost:5672/";

    [Description("File with the password, in place of the one in Uri; read again for each connection.")]
    public string? PasswordFile { get; init; }

    [Description("amqps: PEM file with the certificates of the authorities that may vouch for the broker, in place of the system's.")]
    public string? CaFile { get; init; }

    [Description("amqps: PEM file with the certificate that the worker shows to the broker.")]
    public string? ClientCertificateFile { get; init; }

    [Description("amqps: PEM file with the private key of the worker's certificate, not encrypted.")]
    public string? ClientKeyFile { get; init; }

    [Description("amqps: name that the broker's certificate must be for; empty: the host of Uri.")]
    public string? ServerName { get; init; }

    [Description("Interval of AMQP heartbeats in seconds; a connection that is silent for twice as long is taken for lost.")]
    [Range(1, 600)]
    public int HeartbeatSeconds { get; init; } = 20;

    [Description("Time allowed for a connection to be made, in seconds.")]
    [Range(1, 300)]
    public int ConnectTimeoutSeconds { get; init; } = 10;

    [Description("Name of this worker in the broker's list of connections.")]
    [Required]
    public string ConnectionName { get; init; } = "vl-worker";

    /// <summary>Everything that is wrong with these settings.</summary>
    public IReadOnlyList<string> Check()
    {
        if (Transport == BrokerTransport.InMemory)
            return [];
        if (!System.Uri.TryCreate(Uri, UriKind.Absolute, out var uri) || uri.Scheme is not ("amqp" or "amqps") || uri.Host.Length == 0)
            return ["Uri is not an address of the form amqp://user:password@host:port/vhost"];
        var files = CheckFiles(uri).ToArray();
        if (files.Length > 0)
            return files;
        try
        {
            _ = CreateFactory();
            return [];
        }
        catch (Exception error) when (error is ArgumentException or FormatException or InvalidOperationException)
        {
            return ["Uri can't be used: check user, password and virtual host (a slash in its name is written %2f)"];
        }
    }

    /// <summary>Connections as these settings want them. They don't recover by themselves: their owner replaces them.</summary>
    /// <exception cref="IOException">The file with the password can't be read.</exception>
    public ConnectionFactory CreateFactory()
    {
        var factory = new ConnectionFactory
        {
            Uri = new Uri(Uri),
            RequestedHeartbeat = TimeSpan.FromSeconds(HeartbeatSeconds),
            RequestedConnectionTimeout = TimeSpan.FromSeconds(ConnectTimeoutSeconds),
            ClientProvidedName = ConnectionName,
            AutomaticRecoveryEnabled = false,
            TopologyRecoveryEnabled = false,
        };
        if (!string.IsNullOrEmpty(PasswordFile))
            factory.Password = SecretFile.Read(PasswordFile);
        if (factory.Ssl.Enabled)
        {
            factory.Ssl.ServerName = string.IsNullOrEmpty(ServerName) ? factory.HostName : ServerName;
            factory.Ssl.CertificateSelectionCallback = Tls.Selection;
            factory.Ssl.CertificateValidationCallback = Tls.Verify;
        }

        return factory;
    }

    /// <summary>Host, port and virtual host: what may be logged.</summary>
    public string Address
    {
        get
        {
            if (Transport == BrokerTransport.InMemory)
                return "in-memory";
            var factory = new ConnectionFactory { Uri = new Uri(Uri) };
            return $"{factory.HostName}:{factory.Endpoint.Port}{(factory.VirtualHost.StartsWith('/') ? "" : "/")}{factory.VirtualHost}";
        }
    }

    /// <summary>What the worker trusts and shows.</summary>
    public TlsFiles Tls => new(CaFile, ClientCertificateFile, ClientKeyFile);

    /// <summary>The address without user and password.</summary>
    public override string ToString() => $"{nameof(BrokerOptions)} {{ {Transport}, {(Check().Count == 0 ? Address : "unusable address")} }}";

    private IEnumerable<string> CheckFiles(Uri uri)
    {
        if (!string.IsNullOrEmpty(PasswordFile) && SecretFile.Problem(PasswordFile) is { } problem)
            yield return $"PasswordFile: {problem}";
        if (uri.Scheme == "amqp" && (Tls.Any || !string.IsNullOrEmpty(ServerName)))
            yield return "CaFile, ClientCertificateFile, ClientKeyFile and ServerName are for addresses that begin with amqps";
        foreach (var error in Tls.Check())
            yield return error;
    }
}
