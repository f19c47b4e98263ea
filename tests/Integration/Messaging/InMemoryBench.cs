using VlWorker.Consuming;
using VlWorker.Contracts;
using VlWorker.Publishing;

namespace VlWorker.Integration.Messaging;

/// <summary>The embedded transport.</summary>
internal sealed class InMemoryBench : MessagingBench
{
    private InMemoryBench(ConsumingOptions? consuming) =>
        Worker = new TestWorker(new BrokerOptions { Transport = BrokerTransport.InMemory }, consuming);

    public override TestWorker Worker { get; }

    public override string ReplyTo => "replies";

    public static async Task<InMemoryBench> StartAsync(ConsumingOptions? consuming = null)
    {
        var bench = new InMemoryBench(consuming);
        await bench.Worker.StartAsync();
        var transport = (InMemoryTransport)bench.Worker.Transport;
        await transport.SubscribeAsync(Topology.ResultsExchange, bench.Results.PutAsync);
        await transport.SubscribeAsync(Topology.DeadExchange, bench.DeadLetters.PutAsync);
        await transport.SubscribeAsync(bench.ReplyTo, bench.Replies.PutAsync);
        return bench;
    }

    public override Task PublishAsync(string routingKey, byte[] body, MessageProperties properties) =>
        Worker.Transport.Publisher.PublishAsync(Topology.RequestsExchange, routingKey, body, properties, mandatory: true, CancellationToken.None);

    public override ValueTask DisposeAsync() => Worker.DisposeAsync();
}
