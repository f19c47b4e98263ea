using VlWorker.Producer.Broker;

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
}
