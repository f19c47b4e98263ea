using VlWorker.Publishing;

namespace VlWorker.Worker.Tests.Publishing;

public sealed class BrokerOptionsTests
{
    [Theory]
    [InlineData("amqp://u:p@host", "host:5672/")]
    [InlineData("amqps://u:p@host/prod", "host:5671/prod")]
    [InlineData("amqp://u:p%40ss@host:1234/%2fodd", "host:1234/odd")]
    public void Addresses_are_shown_without_secrets(string uri, string address)
    {
        var options = new BrokerOptions { Uri = uri };

        Assert.Empty(options.Check());
        Assert.Equal(address, options.Address);
        Assert.DoesNotContain("p@", options.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain(":p", options.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("host:5672")]
    [InlineData("http://host")]
    [InlineData("amqp://")]
    public void Anything_else_is_refused(string uri)
    {
        Assert.Single(new BrokerOptions { Uri = uri }.Check());
        Assert.Empty(new BrokerOptions { Uri = uri, Transport = BrokerTransport.InMemory }.Check());
    }
}
