using System.Diagnostics;
using System.Text;
using System.Text.Json;
using VlWorker.Contracts;
using VlWorker.Integration.Infrastructure;

namespace VlWorker.Integration.Deploy;

/// <summary>What docker compose starts, without Docker: the same configuration and scripts, a real broker and store, worker and producer as processes.</summary>
public sealed class SampleSystemTests(TestStore store) : IClassFixture<TestStore>
{
    [Fact]
    public async Task Samples_are_uploaded_published_and_described_by_users_with_the_least_permissions()
    {
        await using var broker = await PrivateBroker.StartNewAsync(BrokerConfiguration());
        await ImportAsync(broker);
        var samples = Repository.At("samples");
        var bucket = $"samples-{Guid.NewGuid():N}";

        var uploaded = await ScriptAsync("deploy/compose/upload-samples.sh", new()
        {
            ["STORE"] = store.Owner.Endpoint.ToString().TrimEnd('/'),
            ["ACCESS_KEY"] = store.Owner.AccessKey,
            ["SECRET_KEY"] = store.Owner.SecretKey,
            ["BUCKET"] = bucket,
            ["FOLDER"] = samples,
        });
        Assert.Contains("96 images in", uploaded, StringComparison.Ordinal);
        await store.LetOtherReadAsync(bucket);

        await using var worker = await WorkerProcess.StartAsync(As(broker, "worker"), store.Other, [bucket], []);
        var answers = await ScriptAsync("deploy/compose/publish-samples.sh", new()
        {
            ["VLWORKER_BROKER_URI"] = As(broker, "producer").ToString(),
            ["BUCKET"] = bucket,
            ["FOLDER"] = samples,
            ["PRODUCER"] = Producer,
            ["DOTNET_ROOT"] = DotnetRoot,
        });

        var captions = answers.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(line => line.StartsWith('{')).ToList();
        Assert.Equal(96, captions.Count);
        Assert.All(captions, line => Assert.Contains("caption", line, StringComparison.Ordinal));
        Assert.Contains("ready", await ScriptAsync("deploy/docker/healthcheck.sh", [], $"{worker.Port}"), StringComparison.Ordinal);
        Assert.Equal(0, await worker.StopAsync());
    }

    [Fact]
    public async Task The_definitions_declare_what_the_worker_declares()
    {
        using var definitions = JsonDocument.Parse(await File.ReadAllTextAsync(Repository.At("deploy", "rabbitmq", "definitions.json")));
        await using var empty = await TestBroker.CreateAsync();
        await using (var connection = await empty.ConnectAsync())
            await new Publishing.TopologyDeclarer(new Publishing.PublishingOptions()).DeclareAsync(connection, CancellationToken.None);

        var queues = definitions.RootElement.GetProperty("queues").EnumerateArray().Select(queue => (
            Name: queue.GetProperty("name").GetString()!,
            Arguments: Line(queue.GetProperty("arguments").EnumerateObject().Select(entry => (entry.Name, entry.Value.ToString())))));
        var bindings = definitions.RootElement.GetProperty("bindings").EnumerateArray().Select(binding =>
            $"{binding.GetProperty("source")} {binding.GetProperty("routing_key")} {binding.GetProperty("destination")}");
        var exchanges = definitions.RootElement.GetProperty("exchanges").EnumerateArray().Select(exchange => $"{exchange.GetProperty("name")} {exchange.GetProperty("type")}");

        Assert.Equal(
            (await empty.ListQueuesAsync()).Select(queue => (queue.Name, Line(queue.Arguments.Select(entry => (entry.Key, entry.Value))))).Order(),
            queues.Order());
        Assert.Equal((await empty.ListBindingsAsync()).Select(binding => $"{binding.Source} {binding.RoutingKey} {binding.Destination}").Order(), bindings.Order());
        Assert.Equal((await empty.ListExchangesAsync()).Select(exchange => $"{exchange.Name} {exchange.Type}").Order(), exchanges.Order());
        Assert.Equal(Topology.Queues.Count, queues.Count());
    }

    private static string Line(IEnumerable<(string Name, string Value)> arguments) =>
        string.Join(' ', arguments.OrderBy(entry => entry.Name, StringComparer.Ordinal).Select(entry => $"{entry.Name}={entry.Value}"));

    private static string Producer => Repository.At("src", "Producer", "bin", Repository.Configuration, "net10.0", "vl-producer");

    private static string DotnetRoot => Path.GetFullPath(Path.Combine(System.Runtime.InteropServices.RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", ".."));

    /// <summary>All of rabbitmq.conf but ports and the definitions' path, which are other ones here.</summary>
    private static string BrokerConfiguration() => string.Join('\n', File.ReadLines(Repository.At("deploy", "rabbitmq", "rabbitmq.conf"))
        .Where(line => !line.Contains(".port", StringComparison.Ordinal) && !line.Contains("listeners.", StringComparison.Ordinal)
            && !line.StartsWith("load_definitions", StringComparison.Ordinal)));

    private static Uri As(BrokerAccess broker, string user) => new UriBuilder(broker.Uri) { UserName = user, Password = $"{user}-demo", Path = "/vl" }.Uri;

    private static async Task<string> ScriptAsync(string script, Dictionary<string, string> environment, params string[] arguments)
    {
        var start = new ProcessStartInfo(script.EndsWith("healthcheck.sh", StringComparison.Ordinal) ? "bash" : "sh", [Repository.At(script.Split('/')), .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes(3));
        Assert.True(process.ExitCode == 0, $"{script} ended with {process.ExitCode}:\n{await errors}{await output}");
        return await output;
    }

    // Over HTTP: a broker in another root does not see the repository's files.
    private static async Task ImportAsync(PrivateBroker broker)
    {
        var text = await File.ReadAllTextAsync(Repository.At("deploy", "rabbitmq", "definitions.json"));
        using var definitions = new StringContent(text, Encoding.UTF8, "application/json");
        using var response = await broker.Management.PostAsync(new Uri("definitions", UriKind.Relative), definitions);
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
    }
}
