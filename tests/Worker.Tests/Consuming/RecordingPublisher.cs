using System.Collections.Concurrent;
using VlWorker.Publishing;

namespace VlWorker.Worker.Tests.Consuming;

/// <summary>Keeps what is published, and fails on command.</summary>
internal sealed class RecordingPublisher : IBrokerPublisher
{
    public ConcurrentQueue<(string Exchange, string RoutingKey, byte[] Body, MessageProperties Properties)> Published { get; } = new();

    /// <summary>What a publish does first; may throw.</summary>
    public Action Before { get; set; } = () => { };

    public int Calls { get; private set; }

    public Task PublishAsync(
        string exchange, string routingKey, ReadOnlyMemory<byte> body, MessageProperties properties, bool mandatory, CancellationToken cancellation)
    {
        Calls++;
        Before();
        Published.Enqueue((exchange, routingKey, body.ToArray(), properties));
        return Task.CompletedTask;
    }

    public Task ProbeAsync(CancellationToken cancellation) => Task.CompletedTask;

    public Task<IReadOnlyDictionary<string, long>> DepthsAsync(IReadOnlyList<string> queues, CancellationToken cancellation) =>
        Task.FromResult<IReadOnlyDictionary<string, long>>(new Dictionary<string, long>());
}
