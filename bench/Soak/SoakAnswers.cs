using System.Text;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using VlWorker.Contracts;

namespace VlWorker.Bench.Soak;

/// <summary>Takes every answer from a durable queue of its own, and every dead letter, and connects again when the broker was away.</summary>
internal sealed class SoakAnswers(string broker, Ledger ledger)
{
    private const string Queue = "soak.answers";
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    /// <summary>The broker's version, once connected.</summary>
    public string Version { get; private set; } = "unknown";

    /// <summary>Makes the queue; the topology must exist.</summary>
    public async Task DeclareAsync()
    {
        await using var connection = await ConnectAsync();
        await using var channel = await connection.CreateChannelAsync();
        await channel.QueueDeclareAsync(Queue, durable: true, exclusive: false, autoDelete: false, new Dictionary<string, object?> { ["x-queue-type"] = "quorum" });
        await channel.QueueBindAsync(Queue, Topology.ResultsExchange, "#");
        Version = Encoding.UTF8.GetString((byte[])connection.ServerProperties!["version"]!);
    }

    /// <summary>Takes until cancelled.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await TakeAsync(stop);
            }
            catch (Exception error) when (error is not OutOfMemoryException)
            {
                await Task.Delay(Pause, CancellationToken.None);
            }
        }
    }

    /// <summary>Messages left in the worker's queues, the results' queue apart.</summary>
    public async Task<IReadOnlyDictionary<string, uint>> LeftAsync()
    {
        await using var connection = await ConnectAsync();
        await using var channel = await connection.CreateChannelAsync();
        string[] queues = [.. Topology.Queues.Select(queue => queue.Name).Where(name => name is not (Topology.ResultsQueue or Topology.ControlQueue)), Queue];
        var left = new Dictionary<string, uint>();
        foreach (var queue in queues)
            left[queue] = await channel.MessageCountAsync(queue);
        return left;
    }

    private Task<IConnection> ConnectAsync() => new ConnectionFactory { Uri = new Uri(broker), AutomaticRecoveryEnabled = false }.CreateConnectionAsync("soak answers");

    private async Task TakeAsync(CancellationToken stop)
    {
        await using var connection = await ConnectAsync();
        var lost = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        connection.ConnectionShutdownAsync += (_, _) =>
        {
            lost.TrySetResult();
            return Task.CompletedTask;
        };
        await ConsumeAsync(connection, Queue, delivery => ledger.Answer(Answer.Read(delivery.Body.Span)));
        await ConsumeAsync(connection, Topology.DeadLettersQueue, delivery => ledger.Bury(delivery.BasicProperties.MessageId!, ReasonOf(delivery)));
        await lost.Task.WaitAsync(stop);
    }

    private static async Task ConsumeAsync(IConnection connection, string queue, Action<BasicDeliverEventArgs> take)
    {
        var channel = await connection.CreateChannelAsync();
        await channel.BasicQosAsync(0, 500, global: false);
        var consumer = new AsyncEventingBasicConsumer(channel);
        consumer.ReceivedAsync += async (_, delivery) =>
        {
            take(delivery);
            await channel.BasicAckAsync(delivery.DeliveryTag, multiple: false);
        };
        await channel.BasicConsumeAsync(queue, autoAck: false, consumer);
    }

    private static string ReasonOf(BasicDeliverEventArgs delivery) =>
        delivery.BasicProperties.Headers?.TryGetValue(Topology.DeadReasonHeader, out var reason) == true ? Encoding.UTF8.GetString((byte[])reason!) : "the broker's own limit";
}
