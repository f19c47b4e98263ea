using System.Net.Security;
using VlWorker.Producer.Broker;
using VlWorker.Security;

namespace VlWorker.Producer.Tests.Broker;

public sealed class BrokerAddressTests
{
    [Theory]
    [InlineData("amqp://user:s3cret@host/", "amqp://user@host:5672/")]
    [InlineData("amqp://host", "amqp://host:5672/")]
    [InlineData("amqps://user:s3cret@host/team", "amqps://user@host:5671/team")]
    [InlineData("amqp://user:s3cret@[::1]:5673/a%2fb", "amqp://user@[::1]:5673/a%2fb")]
    public void The_text_of_an_address_has_no_password(string uri, string expected)
    {
        Assert.Equal(expected, BrokerAddress.Parse(uri).ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("host:5672")]
    [InlineData("http://user:s3cret@host/")]
    [InlineData("amqp://user:s3cret@host/a/b")]
    [InlineData("amqp://user:s3cret@:port/")]
    public void What_is_no_address_is_refused_without_repeating_it(string uri)
    {
        var error = Assert.Throws<ProducerException>(() => BrokerAddress.Parse(uri));

        Assert.Equal(ExitCode.Usage, error.ExitCode);
        Assert.DoesNotContain("s3cret", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_connection_says_who_it_is_and_ends_when_it_breaks()
    {
        var factory = BrokerAddress.Parse("amqp://user:s3%2Fcret@host:5673/team%2fa").CreateFactory("publish", TimeSpan.FromSeconds(3));

        Assert.Equal(("user", "s3/cret", "host", 5673, "team/a"), (factory.UserName, factory.Password, factory.HostName, factory.Port, factory.VirtualHost));
        Assert.Equal("vl-producer publish", factory.ClientProvidedName);
        Assert.False(factory.AutomaticRecoveryEnabled);
    }

    [Fact]
    public void A_broker_must_be_the_one_of_its_address_whatever_the_files()
    {
        var ssl = BrokerAddress.Parse("amqps://user@host/").CreateFactory("publish", TimeSpan.FromSeconds(3)).Ssl;

        Assert.Equal((true, "host"), (ssl.Enabled, ssl.ServerName));
        Assert.False(ssl.CertificateValidationCallback!(this, null, null, SslPolicyErrors.RemoteCertificateNameMismatch));
        Assert.True(ssl.CertificateValidationCallback!(this, null, null, SslPolicyErrors.None));
    }

    [Theory]
    [InlineData("amqp://host/", "/no/such/file", null, null, "amqps")]
    [InlineData("amqps://host/", "/no/such/file", null, null, "CaFile: ")]
    [InlineData("amqps://host/", null, "/no/such/file", null, "go together")]
    [InlineData("amqps://host/", null, "/no/such/file", "/no/such/key", "ClientCertificateFile: ")]
    public void Files_that_can_not_be_used_are_wrong_usage(string uri, string? ca, string? certificate, string? key, string expected)
    {
        var error = Assert.Throws<ProducerException>(() => BrokerAddress.Parse(uri, new TlsFiles(ca, certificate, key)));

        Assert.Equal(ExitCode.Usage, error.ExitCode);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }
}
