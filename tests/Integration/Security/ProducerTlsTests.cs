using VlWorker.Integration.Producer;

namespace VlWorker.Integration.Security;

/// <summary>The producer and a broker that speaks mutual TLS.</summary>
public sealed class ProducerTlsTests(BrokerTlsFixture tls) : IClassFixture<BrokerTlsFixture>
{
    [Fact]
    public async Task With_the_right_authority_and_certificate_the_topology_is_declared_and_checked()
    {
        var (certificate, key) = tls.Client;

        var applied = await RunAsync("apply", "--ca-file", tls.Authority.CaFile, "--client-certificate-file", certificate, "--client-key-file", key);
        var check = await RunAsync("check", "--ca-file", tls.Authority.CaFile, "--client-certificate-file", certificate, "--client-key-file", key);

        Assert.True(applied.Code == 0, applied.Output + applied.Error);
        Assert.True(check.Code == 0, check.Output + check.Error);
    }

    [Fact]
    public async Task No_other_authority_or_certificate_is_taken()
    {
        var (certificate, key) = tls.Client;
        var stranger = tls.Other.Issue("stranger", client: true);
        string[] shown = ["--client-certificate-file", certificate, "--client-key-file", key];
        Outcome[] refused =
        [
            await RunAsync("check", ["--ca-file", tls.Authority.CaFile]),
            await RunAsync("check", shown),
            await RunAsync("check", ["--ca-file", tls.Other.CaFile, .. shown]),
            await RunAsync("check", ["--ca-file", tls.Authority.CaFile, "--client-certificate-file", stranger.Certificate, "--client-key-file", stranger.Key]),
        ];

        Assert.All(refused, outcome =>
        {
            Assert.Equal(2, outcome.Code);
            Assert.Contains("can't connect to amqps://", outcome.Error, StringComparison.Ordinal);
        });
    }

    private Task<Outcome> RunAsync(string verb, params string[] options) =>
        ProducerFixture.RunAsync(new Uri(tls.Uri), Stream.Null, CancellationToken.None, ["topology", verb, .. options]);
}
