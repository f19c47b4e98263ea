using VlWorker.Contracts;
using VlWorker.Integration.Infrastructure;
using VlWorker.Publishing;

namespace VlWorker.Integration.Messaging;

/// <summary>What the worker makes on the broker, and what it says when somebody else was there first.</summary>
public sealed class RabbitMqTopologyTests
{
    [Fact]
    public async Task Nothing_comes_into_being_but_the_documented_entities()
    {
        await using var bench = await RabbitMqBench.StartAsync(listen: false);
        bench.Worker.Store.On("broken", _ => throw new InvalidOperationException("a bug"));
        await bench.PublishCaptionAsync("good");
        await bench.PublishCaptionAsync("bad", "broken");
        await bench.PublishAsync("no json");
        await bench.PublishAsync("""{"id":"t","text":"x"}""", routingKey: Topology.TextRoutingKey);
        await bench.Broker.WaitForCountAsync(Topology.ResultsQueue, 2);
        await bench.Broker.WaitForCountAsync(Topology.DeadLettersQueue, 2);
        await bench.Worker.StopAsync();

        var exchanges = await bench.Broker.ListExchangesAsync();
        var queues = await bench.Broker.ListQueuesAsync();
        var bindings = await bench.Broker.ListBindingsAsync();

        // MassTransit can't be kept from declaring an exchange named like each queue it consumes from; nothing is bound to these.
        Assert.Equal(
            [
                "vl.control fanout", "vl.dead fanout", "vl.describe.backfill fanout", "vl.describe.interactive fanout", "vl.describe.text fanout", "vl.requests direct",
                "vl.results topic", "vl.retry.10m fanout", "vl.retry.1m fanout", "vl.retry.5s fanout",
            ],
            exchanges.Select(exchange => $"{exchange.Name} {exchange.Type}").Order(StringComparer.Ordinal));
        Assert.Equal(
            [
                "vl.control", "vl.dead-letters", "vl.describe.backfill", "vl.describe.interactive", "vl.describe.text", "vl.results", "vl.retry.10m",
                "vl.retry.1m", "vl.retry.5s",
            ],
            queues.Select(queue => queue.Name).Order(StringComparer.Ordinal));
        Assert.All(queues, queue => Assert.Equal(queue.Name == Topology.ControlQueue ? "stream" : "quorum", queue.Arguments["x-queue-type"]));
        Assert.Equal(
            [
                "vl.control -> vl.control ''", "vl.dead -> vl.dead-letters ''", "vl.requests -> vl.describe.backfill 'backfill'", "vl.requests -> vl.describe.interactive 'interactive'",
                "vl.requests -> vl.describe.text 'text'", "vl.results -> vl.results '#'", "vl.retry.10m -> vl.retry.10m ''",
                "vl.retry.1m -> vl.retry.1m ''", "vl.retry.5s -> vl.retry.5s ''",
            ],
            bindings.Select(binding => $"{binding.Source} -> {binding.Destination} '{binding.RoutingKey}'").Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Queues_declared_otherwise_stop_the_start_with_every_difference_named()
    {
        await using var broker = await TestBroker.CreateAsync();
        var limit20 = Topology.RequestQueueArguments.ToDictionary(pair => pair.Key, pair => (object?)pair.Value);
        limit20["x-delivery-limit"] = 20;
        await broker.UseAsync(channel => channel.QueueDeclareAsync(Topology.InteractiveQueue, true, false, false, limit20));
        await broker.UseAsync(channel => channel.QueueDeclareAsync(Topology.ResultsQueue, true, false, false));
        await broker.UseAsync(channel => channel.ExchangeDeclareAsync(Topology.ResultsExchange, "fanout", durable: true, autoDelete: false));
        await using var worker = new TestWorker(new BrokerOptions { Uri = broker.Uri.ToString() });

        var error = await Assert.ThrowsAsync<TopologyException>(worker.StartAsync);

        Assert.Equal(3, error.Errors.Count);
        Assert.Contains(error.Errors, text => text.StartsWith(
            "queue 'vl.describe.interactive' is declared otherwise on the broker: x-delivery-limit must be '50' but is '20'.", StringComparison.Ordinal));
        Assert.Contains(error.Errors, text => text.StartsWith(
            "exchange 'vl.results' is declared otherwise on the broker: type must be 'topic' but is 'fanout'.", StringComparison.Ordinal));
        Assert.Contains(error.Errors, text => text.StartsWith("queue 'vl.results' is declared otherwise on the broker: ", StringComparison.Ordinal));
        Assert.All(error.Errors, text => Assert.Contains("virtual host of its own", text, StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_results_queue_can_be_left_out()
    {
        await using var bench = await RabbitMqBench.StartAsync(publishing: new PublishingOptions { DeclareResultsQueue = false }, listen: false);

        Assert.DoesNotContain(await bench.Broker.ListQueuesAsync(), queue => queue.Name == Topology.ResultsQueue);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_was_deleted_on_the_broker_is_declared_again(bool queue)
    {
        await using var bench = await RabbitMqBench.StartAsync(listen: false);
        if (queue)
            await bench.Broker.UseAsync(channel => channel.QueueDeleteAsync(Topology.InteractiveQueue, ifUnused: false, ifEmpty: false));
        else
            await bench.Broker.UseAsync(channel => channel.ExchangeDeleteAsync(Topology.ResultsExchange, ifUnused: false));

        await Eventually.SucceedsAsync("publishing a request", () => bench.PublishCaptionAsync("again"));

        Assert.Equal("again", Answer.Read((await bench.Broker.TakeAsync(Topology.ResultsQueue, 1))[0].Body).Id);
        await Eventually.TrueAsync("the worker to be ready", () => bench.Worker.Service.NotReady is null);
    }
}
