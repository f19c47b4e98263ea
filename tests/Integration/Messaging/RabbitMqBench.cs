using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using VlWorker.Consuming;
using VlWorker.Contracts;
using VlWorker.Integration.Infrastructure;
using VlWorker.Publishing;

namespace VlWorker.Integration.Messaging;

/// <summary>A virtual host on a real broker, and clients that know nothing of the worker.</summary>
internal sealed class RabbitMqBench : MessagingBench
{
    private readonly TestBroker _broker;
    private IConnection? _connection;

    private RabbitMqBench(TestBroker broker, ConsumingOptions? consuming, PublishingOptions? publishing)
    {
        _broker = broker;
        Worker = new TestWorker(new BrokerOptions { Uri = broker.Uri.ToString() }, consuming, publishing);
    }

    public override TestWorker Worker { get; }

    public TestBroker Broker => _broker;

    public override string ReplyTo { get; } = $"replies-{Guid.NewGuid():N}";

    public static async Task<RabbitMqBench> StartAsync(ConsumingOptions? consuming = null, PublishingOptions? publishing = null, bool listen = true)
    {
        var bench = new RabbitMqBench(await TestBroker.CreateAsync(), consuming, publishing);
        await bench.Worker.StartAsync();
        if (listen)
            await bench.ListenAsync();
        return bench;
    }

    /// <summary>Starts to read results, dead letters and replies.</summary>
    public async Task ListenAsync()
    {
        _connection = await _broker.ConnectAsync();
        await ListenAsync(Topology.ResultsQueue, Results);
        await ListenAsync(Topology.DeadLettersQueue, DeadLetters);
        await using (var channel = await _connection.CreateChannelAsync())
            await channel.QueueDeclareAsync(ReplyTo, durable: true, exclusive: false, autoDelete: false);
        await ListenAsync(ReplyTo, Replies);
    }

    public override Task PublishAsync(string routingKey, byte[] body, MessageProperties properties) =>
        _broker.PublishAsync(Topology.RequestsExchange, routingKey, body, RabbitMqProperties.Write(properties));

    public override async ValueTask DisposeAsync()
    {
        await Worker.DisposeAsync();
        if (_connection is not null)
            await _connection.DisposeAsync();
        await _broker.DisposeAsync();
    }

    private async Task ListenAsync(string queue, Mailbox mailbox)
    {
        var channel = await _connection!.CreateChannelAsync();
        var consumer = new AsyncEventingBasicConsumer(channel);
        consumer.ReceivedAsync += async (_, args) =>
        {
            await mailbox.PutAsync(args.RoutingKey, RabbitMqProperties.Read(args.BasicProperties), args.Body.ToArray());
            await channel.BasicAckAsync(args.DeliveryTag, multiple: false);
        };
        await channel.BasicConsumeAsync(queue, autoAck: false, consumer);
    }
}
