using VlWorker.Contracts;
using VlWorker.Integration.Infrastructure;

namespace VlWorker.Integration.Security;

/// <summary>The whole output of a worker, at the most talkative level and with everything going wrong, holds no secret.</summary>
public sealed class SecretsInLogsTests(TestBroker broker, TestStore store) : IClassFixture<TestBroker>, IClassFixture<TestStore>
{
    private const string BrokerPassword = "br0ker-passw0rd-9f2c";
    private const string StoreSecret = "st0re-secret-7b1d";
    private const string SessionToken = "sessi0n-t0ken-3e8a";

    private static readonly Dictionary<string, string> Talkative = new()
    {
        ["Logging:LogLevel:Default"] = "Trace",
        ["Logging:LogLevel:Microsoft"] = "Trace",
        ["Logging:LogLevel:MassTransit"] = "Trace",
        ["Consuming:ProbeInitial"] = "00:00:00.1",
        ["Consuming:ProbeMaximum"] = "00:00:00.2",
        ["Broker:ConnectTimeoutSeconds"] = "2",
    };

    [Fact]
    public async Task A_worker_that_runs_shows_no_secret()
    {
        var uri = await LimitedUser.CreateAsync(broker, ".*", ".*", ".*", BrokerPassword);
        await using var worker = await WorkerProcess.StartAsync(uri, store.Owner, [store.Bucket], Talkative);
        await broker.PublishAsync(Topology.RequestsExchange, Topology.InteractiveRoutingKey, $$$"""{"id":"1","image":{"bucket":"{{{store.Bucket}}}","key":"missing"}}""");
        await broker.WaitForCountAsync(Topology.ResultsQueue, 1);
        await worker.StopAsync();

        Silent(worker.Log, BrokerPassword, store.Owner.SecretKey);
    }

    [Fact]
    public async Task A_worker_whose_secrets_are_wrong_says_so_without_them()
    {
        var wrong = new UriBuilder(broker.Uri) { UserName = "nobody", Password = BrokerPassword }.Uri;
        await using var refused = await WorkerProcess.StartAsync(wrong, store.Owner, [store.Bucket], Talkative, waitUntilReady: false);
        await refused.NotReadyAsync("refuses the user or the password");
        Silent(refused.Log + (await refused.ReadinessAsync()).Text + (await refused.MetricsAsync()).Text, BrokerPassword);

        var settings = new Dictionary<string, string>(Talkative) { ["Store:SecretKey"] = StoreSecret, ["Store:SessionToken"] = SessionToken };
        await using var worker = await WorkerProcess.StartAsync(broker.Uri, store.Owner, [store.Bucket], settings, waitUntilReady: false);
        await Eventually.TrueAsync("the store's refusal is known", async () => worker.HasExited || !(await worker.ReadinessAsync()).Ready);
        await worker.KillAsync();
        Silent(worker.Log, StoreSecret, SessionToken);
    }

    [Theory]
    [InlineData("Broker:Uri", "amqp//user:br0ker-passw0rd-9f2c@host")]
    [InlineData("Broker:Uri", "http://user:br0ker-passw0rd-9f2c@host")]
    [InlineData("Store:Endpoint", "https//user:br0ker-passw0rd-9f2c@host")]
    [InlineData("Store:Endpoint", "https://user:br0ker-passw0rd-9f2c@host")]
    public async Task A_setting_that_is_wrong_is_reported_without_its_secret(string name, string value)
    {
        await using var worker = await WorkerProcess.StartAsync(
            broker.Uri, store.Owner, [store.Bucket], new Dictionary<string, string>(Talkative) { [name] = value }, waitUntilReady: false);
        await worker.ExpectExitAsync(2);

        Assert.Contains(name.Split(':')[0], worker.Log, StringComparison.Ordinal);
        Silent(worker.Log, BrokerPassword);
    }

    private static void Silent(string output, params string[] secrets)
    {
        Assert.NotEmpty(output);
        foreach (var secret in secrets)
        {
            Assert.DoesNotContain(secret, output, StringComparison.Ordinal);
            Assert.DoesNotContain(Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes(secret)), output, StringComparison.Ordinal);
        }
    }
}
