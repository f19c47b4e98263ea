using VlWorker.Contracts;
using VlWorker.Integration.Infrastructure;
using VlWorker.Publishing;

namespace VlWorker.Integration.Producer;

public sealed class TopologyTests
{
    [Fact]
    public async Task Apply_makes_what_a_worker_makes_and_check_finds_nothing_wrong()
    {
        await using var broker = await TestBroker.CreateAsync();
        Assert.Equal(3, (await RunAsync(broker, "topology", "check")).Code);

        var applied = await RunAsync(broker, "topology", "apply");

        Assert.True(applied.Code == 0, applied.Output + applied.Error);
        Assert.Equal(Topology.Exchanges.Count + Topology.Queues.Count, applied.Lines.Count(line => line.StartsWith("made ", StringComparison.Ordinal)));
        await using (var connection = await broker.ConnectAsync())
            await new TopologyDeclarer(new PublishingOptions()).DeclareAsync(connection, CancellationToken.None);
        Assert.Equal(
            Topology.Queues.Select(queue => $"{queue.Exchange} -> {queue.Name} '{queue.RoutingKey}'").Order(StringComparer.Ordinal),
            (await broker.ListBindingsAsync()).Select(binding => $"{binding.Source} -> {binding.Destination} '{binding.RoutingKey}'").Order(StringComparer.Ordinal));
        var check = await RunAsync(broker, "topology", "check", "--management", broker.ManagementUri.ToString());
        Assert.True(check.Code == 0, check.Output + check.Error);
    }

    [Fact]
    public async Task Check_changes_nothing_and_names_what_is_missing()
    {
        await using var broker = await TestBroker.CreateAsync();

        var outcome = await RunAsync(broker, "topology", "check");

        Assert.Equal(3, outcome.Code);
        Assert.Equal(Topology.Exchanges.Count + Topology.Queues.Count, outcome.Lines.Count(line => line.StartsWith("MISSING ", StringComparison.Ordinal)));
        Assert.Empty(await broker.ListExchangesAsync());
        Assert.Empty(await broker.ListQueuesAsync());
    }

    [Fact]
    public async Task What_differs_is_named_with_both_values()
    {
        await using var broker = await TestBroker.CreateAsync();
        var other = Topology.RequestQueueArguments.ToDictionary(pair => pair.Key, pair => (object?)pair.Value);
        other["x-delivery-limit"] = 20;
        other["x-max-length"] = 5;
        await broker.UseAsync(channel => channel.QueueDeclareAsync(Topology.InteractiveQueue, true, false, false, other));

        var plain = await RunAsync(broker, "topology", "apply");
        var full = await RunAsync(broker, "topology", "check", "--management", broker.ManagementUri.ToString());

        Assert.Equal((3, 3), (plain.Code, full.Code));
        Assert.Matches("DIFFERS   queue vl.describe.interactive: x-[a-z-]+ must be .+ but is ", plain.Output);
        var line = Assert.Single(full.Lines, text => text.StartsWith("DIFFERS", StringComparison.Ordinal));
        Assert.Contains("x-delivery-limit must be '50' but is '20'; x-max-length must not be set but is '5'; not bound to vl.requests by 'interactive'", line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Policies_are_set_and_compared()
    {
        await using var broker = await TestBroker.CreateAsync();
        string[] policy = ["--management", broker.ManagementUri.ToString(), "--policy", "vl.results:max-length-bytes=1000000", "--policy", "vl.results:max-length=500"];
        Assert.Equal(0, (await RunAsync(broker, ["topology", "apply"])).Code);
        Assert.Contains("the policy must set max-length to 500 but does not set it", (await RunAsync(broker, ["topology", "check", .. policy])).Output, StringComparison.Ordinal);

        Assert.Equal(0, (await RunAsync(broker, ["topology", "apply", .. policy])).Code);

        await Eventually.GetAsync("the policy is in force", () => RunAsync(broker, ["topology", "check", .. policy]), outcome => outcome.Code == 0);
        Assert.Contains("would vanish", (await RunAsync(broker, ["topology", "apply", .. policy, "--policy", "vl.results:message-ttl=1"])).Error, StringComparison.Ordinal);
    }

    private static Task<Outcome> RunAsync(TestBroker broker, params string[] args) => ProducerFixture.RunAsync(broker.Uri, Stream.Null, default, args);
}
