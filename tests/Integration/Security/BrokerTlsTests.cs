using Microsoft.Extensions.Logging.Abstractions;
using VlWorker.Consuming;
using VlWorker.Failures;
using VlWorker.Publishing;

namespace VlWorker.Integration.Security;

/// <summary>Both connections of a worker, the publisher's and MassTransit's, to a broker that speaks mutual TLS.</summary>
public sealed class BrokerTlsTests(BrokerTlsFixture tls) : IClassFixture<BrokerTlsFixture>
{
    private BrokerOptions Good => new()
    {
        Uri = tls.Uri,
        CaFile = tls.Authority.CaFile,
        ClientCertificateFile = tls.Client.Certificate,
        ClientKeyFile = tls.Client.Key,
        ConnectTimeoutSeconds = 30,
    };

    [Fact]
    public async Task With_the_right_authority_and_certificate_both_connections_are_made()
    {
        Assert.Empty(Good.Check());
        await ProbeAsync(Good);
        await StartBusAsync(Good);
    }

    [Fact]
    public async Task The_password_comes_from_a_file_when_there_is_one()
    {
        var file = Path.Combine(tls.Authority.Folder, "password");
        await File.WriteAllTextAsync(file, "guest\n");

        await ProbeAsync(Good with { Uri = $"amqps://guest:wrong@127.0.0.1:{tls.Port}/", PasswordFile = file });
        await StartBusAsync(Good with { Uri = $"amqps://guest:wrong@127.0.0.1:{tls.Port}/", PasswordFile = file });
    }

    [Theory]
    [InlineData("no certificate")]
    [InlineData("another authority")]
    [InlineData("the system's authorities")]
    [InlineData("another name")]
    [InlineData("a stranger's certificate")]
    public async Task Anything_else_is_refused_on_both(string what)
    {
        var stranger = tls.Other.Issue("stranger", client: true);
        var options = what switch
        {
            "no certificate" => Good with { ClientCertificateFile = null, ClientKeyFile = null },
            "another authority" => Good with { CaFile = tls.Other.CaFile },
            "the system's authorities" => Good with { CaFile = null },
            "another name" => Good with { ServerName = "broker.example.org" },
            _ => Good with { ClientCertificateFile = stranger.Certificate, ClientKeyFile = stranger.Key },
        };

        Assert.Empty(options.Check());
        await Assert.ThrowsAsync<DependencyException>(() => ProbeAsync(options));
        // A bus goes on trying for as long as it may.
        await Assert.ThrowsAsync<DependencyException>(() => StartBusAsync(options with { ConnectTimeoutSeconds = 2 }));
    }

    [Fact]
    public void Files_that_are_wrong_are_errors_of_the_settings()
    {
        Assert.Contains(new BrokerOptions { Uri = tls.Uri, CaFile = "/no/such/file" }.Check(), error => error.StartsWith("CaFile", StringComparison.Ordinal));
        Assert.Contains((Good with { ClientKeyFile = null }).Check(), error => error.Contains("go together", StringComparison.Ordinal));
        Assert.Contains((Good with { ClientKeyFile = tls.Authority.CaFile }).Check(), error => error.StartsWith("ClientCertificateFile", StringComparison.Ordinal));
        Assert.Contains((Good with { Uri = "amqp://guest:guest@127.0.0.1/" }).Check(), error => error.Contains("amqps", StringComparison.Ordinal));
        Assert.Contains((Good with { PasswordFile = "/no/such/file" }).Check(), error => error.StartsWith("PasswordFile", StringComparison.Ordinal));
    }

    private static async Task ProbeAsync(BrokerOptions options)
    {
        await using var publisher = new RabbitMqPublisher(options, new PublishingOptions(), NullLogger<RabbitMqPublisher>.Instance);
        await publisher.ProbeAsync(CancellationToken.None);
    }

    private static async Task StartBusAsync(BrokerOptions options)
    {
        await using var publisher = new RabbitMqPublisher(options, new PublishingOptions(), NullLogger<RabbitMqPublisher>.Instance);
        await using var transport = new RabbitMqTransport(options, publisher, NullLoggerFactory.Instance);
        await transport.StartAsync(CancellationToken.None);
        await transport.StopAsync(CancellationToken.None);
    }
}
