using System.Text;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace VlWorker.Integration.Infrastructure;

/// <summary>The shared broker as tests see it.</summary>
public sealed class BrokerTests(TestBroker broker) : IClassFixture<TestBroker>
{
    private static readonly Dictionary<string, object?> Quorum = new() { ["x-queue-type"] = "quorum" };

    [Fact]
    public async Task Virtual_hosts_do_not_see_each_other()
    {
        await using var another = await TestBroker.CreateAsync();
        foreach (var host in (TestBroker[])[broker, another])
            await host.UseAsync(channel => channel.QueueDeclareAsync("same-name", durable: true, exclusive: false, autoDelete: false, Quorum));

        await broker.PublishAsync("", "same-name", "only here");

        await broker.WaitForCountAsync("same-name", 1);
        Assert.Equal(0u, await another.CountAsync("same-name"));
    }

    [Fact]
    public async Task A_message_comes_out_as_it_went_in()
    {
        await broker.UseAsync(channel => channel.QueueDeclareAsync("round-trip", durable: true, exclusive: false, autoDelete: false, Quorum));
        var properties = new BasicProperties
        {
            Persistent = true,
            MessageId = "id-1",
            ContentType = "application/json",
            Headers = new Dictionary<string, object?> { ["x-word"] = "küche", ["x-number"] = 3 },
        };

        await broker.PublishAsync("", "round-trip", "{}", properties);

        var message = Assert.Single(await broker.TakeAsync("round-trip", 1));
        Assert.Equal(("id-1", "application/json", "{}"), (message.Properties.MessageId, message.Properties.ContentType, Encoding.UTF8.GetString(message.Body)));
        Assert.Equal(("küche", "3", null), (message.Header("x-word"), message.Header("x-number"), message.Header("x-none")));
        Assert.Equal(0u, await broker.CountAsync("round-trip"));
    }

    [Fact]
    public async Task A_message_that_no_queue_takes_fails_and_the_broker_stays_usable()
    {
        await Assert.ThrowsAsync<PublishReturnException>(() => broker.PublishAsync("", "no-such-queue", "lost"));
        await Assert.ThrowsAsync<OperationInterruptedException>(() => broker.CountAsync("no-such-queue"));

        Assert.DoesNotContain(await broker.ListQueuesAsync(), static queue => queue.Name == "no-such-queue");
    }

    [Fact]
    public async Task Lists_what_exists()
    {
        await using var empty = await TestBroker.CreateAsync();
        Assert.Empty(await empty.ListQueuesAsync());
        Assert.Empty(await empty.ListExchangesAsync());

        await empty.UseAsync(async channel =>
        {
            await channel.ExchangeDeclareAsync("letters", ExchangeType.Topic, durable: true);
            await channel.QueueDeclareAsync("letterbox", durable: true, exclusive: false, autoDelete: false, Quorum);
            await channel.QueueBindAsync("letterbox", "letters", "to.#");
        });

        var exchange = Assert.Single(await empty.ListExchangesAsync());
        Assert.Equal(("letters", "topic", true), (exchange.Name, exchange.Type, exchange.Durable));
        var queue = Assert.Single(await empty.ListQueuesAsync());
        Assert.Equal(("letterbox", "quorum"), (queue.Name, queue.Arguments["x-queue-type"]));
        Assert.Equal(new BindingInfo("letters", "queue", "letterbox", "to.#"), Assert.Single(await empty.ListBindingsAsync()));
    }

    [Fact]
    public async Task Waiting_in_vain_says_what_was_seen()
    {
        await broker.UseAsync(channel => channel.QueueDeclareAsync("vain", durable: true, exclusive: false, autoDelete: false, Quorum));

        var error = await Assert.ThrowsAsync<TimeoutException>(() => broker.WaitForCountAsync("vain", 7, TimeSpan.FromMilliseconds(200)));

        Assert.Contains("7 messages in vain. Last seen: 0", error.Message, StringComparison.Ordinal);
    }
}
