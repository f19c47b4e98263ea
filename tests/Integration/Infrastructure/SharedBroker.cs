using Testcontainers.RabbitMq;

namespace VlWorker.Integration.Infrastructure;

/// <summary>
/// The one broker of a test run, in this order: VLWORKER_TEST_RABBITMQ (with VLWORKER_TEST_RABBITMQ_MANAGEMENT for its HTTP API);
/// a container, where a Docker engine answers and has or gets the image; Debian's rabbitmq-server.
/// </summary>
internal static class SharedBroker
{
    private static readonly Lazy<Task<(Uri Broker, Uri Management)>> Instance = new(FindAsync);

    /// <summary>The broker's URI without a virtual host, and its management API; both with credentials.</summary>
    /// <exception cref="InvalidOperationException">There is none; the message says what to install.</exception>
    public static Task<(Uri Broker, Uri Management)> GetAsync() => Instance.Value;

    private static async Task<(Uri Broker, Uri Management)> FindAsync()
    {
        if (Environment.GetEnvironmentVariable("VLWORKER_TEST_RABBITMQ") is { Length: > 0 } given)
            return Given(new Uri(given));
        return await ContainerAsync() ?? await DebianAsync();
    }

    private static (Uri Broker, Uri Management) Given(Uri broker)
    {
        var management = Environment.GetEnvironmentVariable("VLWORKER_TEST_RABBITMQ_MANAGEMENT") is { Length: > 0 } given
            ? new Uri(given)
            : new UriBuilder(broker) { Scheme = "http", Port = 15672, Path = "/" }.Uri;
        return (broker, management);
    }

    private static async Task<(Uri Broker, Uri Management)?> ContainerAsync()
    {
        if (!await DockerEngine.HasImageAsync())
            return null;
        var container = new RabbitMqBuilder(DockerEngine.Image).WithUsername("guest").WithPassword("guest").WithPortBinding(15672, true).Build();
        await container.StartAsync();
        // Testcontainers' own reaper may be switched off (TESTCONTAINERS_RYUK_DISABLED).
        AppDomain.CurrentDomain.ProcessExit += (_, _) => container.DisposeAsync().AsTask().Wait(TimeSpan.FromSeconds(10));
        var management = new Uri($"http://guest:guest@{container.Hostname}:{container.GetMappedPublicPort(15672)}/");
        using var client = BrokerAccess.CreateManagement(management);
        await Eventually.SucceedsAsync("the container's management API", () => client.GetStringAsync(new Uri("overview", UriKind.Relative)), TimeSpan.FromMinutes(2));
        return (new Uri(container.GetConnectionString()), management);
    }

    private static async Task<(Uri Broker, Uri Management)> DebianAsync()
    {
        var server = new ServerScript("rabbitmq.sh", Repository.NewFolder("broker"));
        var uris = await server.StartAsync();
        return (new Uri(uris["VLWORKER_TEST_RABBITMQ"]), new Uri(uris["VLWORKER_TEST_RABBITMQ_MANAGEMENT"]));
    }
}
