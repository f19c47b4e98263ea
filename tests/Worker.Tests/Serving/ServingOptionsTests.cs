using VlWorker.Serving;

namespace VlWorker.Worker.Tests.Serving;

public sealed class ServingOptionsTests
{
    [Fact]
    public void Defaults_are_valid() => Assert.Empty(new ServingOptions().Check());

    [Theory]
    [InlineData("http://0.0.0.0:8080; http://localhost:8081;http://*:1;http://+:2;http://[::1]:3;http://worker:4", 0)]
    [InlineData("nowhere", 1)]
    [InlineData("ftp://localhost;http://localhost/path", 2)]
    [InlineData("https://localhost", 1)]
    public void Addresses_are_checked(string urls, int errors) => Assert.Equal(errors, new ServingOptions { Urls = urls }.Check().Count());

    [Fact]
    public void Files_that_are_not_there_and_sizes_that_do_not_fit_are_all_named()
    {
        var options = new ServingOptions
        {
            Http2Urls = "https://localhost",
            CertificateFile = "/no/such.crt",
            ApiKey = "short",
            ApiKeyFile = "/no/such.keys",
            Backlog = 1,
            BytesInFlight = 1024,
        };

        var errors = options.Check().ToArray();

        Assert.Equal(6, errors.Length);
        Assert.DoesNotContain(errors, error => error.Contains("'short'", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("http://127.0.0.1:1;http://localhost:2;http://[::1]:3", true)]
    [InlineData("http://127.0.0.1:1;http://0.0.0.0:2", false)]
    [InlineData("http://*:1", false)]
    public void Who_can_reach_it_is_known(string urls, bool loopback) => Assert.Equal(loopback, Listeners.OnlyLoopback(new ServingOptions { Urls = urls }));
}
