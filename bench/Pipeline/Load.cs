using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using VlWorker.Contracts;

namespace VlWorker.Bench.Pipeline;

/// <summary>Publishes jobs and notes when each answer arrives, on a queue of its own.</summary>
internal sealed class Load : IAsyncDisposable
{
    private readonly IConnection _connection;
    private readonly IChannel _publisher;
    private readonly ConcurrentQueue<(long At, bool Described)> _answers = new();
    private readonly SemaphoreSlim _arrived = new(0);
    private int _published;

    private Load(IConnection connection, IChannel publisher)
    {
        _connection = connection;
        _publisher = publisher;
    }

    /// <summary>Answers so far: stopwatch timestamp, and whether it was a result.</summary>
    public IReadOnlyCollection<(long At, bool Described)> Answers => _answers;

    public static async Task<Load> ConnectAsync(string broker)
    {
        var connection = await new ConnectionFactory { Uri = new Uri(broker) }.CreateConnectionAsync();
        var publisher = await connection.CreateChannelAsync(new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true));
        var load = new Load(connection, publisher);
        var channel = await connection.CreateChannelAsync();
        var queue = (await channel.QueueDeclareAsync()).QueueName;
        await channel.QueueBindAsync(queue, Topology.ResultsExchange, "#");
        var consumer = new AsyncEventingBasicConsumer(channel);
        consumer.ReceivedAsync += (_, delivery) => load.OnAnswer(delivery.RoutingKey);
        await channel.BasicConsumeAsync(queue, autoAck: true, consumer);
        return load;
    }

    /// <summary>Publishes jobs over the keys in turn; returns when all are confirmed.</summary>
    public async Task PublishAsync(string bucket, IReadOnlyList<string> keys, int count, IReadOnlyList<string> tasks, string lane)
    {
        var pending = new List<Task>();
        for (var i = 0; i < count; i++)
        {
            var request = new DescribeImage
            {
                Id = (_published++).ToString(CultureInfo.InvariantCulture),
                Image = new ImageReference { Bucket = bucket, Key = keys[i % keys.Count] },
                Tasks = tasks,
            };
            var body = JsonSerializer.SerializeToUtf8Bytes(request, ContractsJson.Default.DescribeImage);
            pending.Add(_publisher.BasicPublishAsync(Topology.RequestsExchange, lane, true, new BasicProperties { Persistent = true }, body).AsTask());
            if (pending.Count < 200)
                continue;
            await Task.WhenAll(pending);
            pending.Clear();
        }

        await Task.WhenAll(pending);
    }

    /// <summary>Waits for that many answers and gives their timestamps.</summary>
    public async Task<long[]> AwaitAsync(int count, TimeSpan timeout)
    {
        var stamps = new long[count];
        for (var i = 0; i < count; i++)
        {
            if (!await _arrived.WaitAsync(timeout) || !_answers.TryDequeue(out var answer))
                throw new TimeoutException($"answer {i + 1} of {count} did not come");
            if (!answer.Described)
                throw new InvalidOperationException("a sample was rejected");
            stamps[i] = answer.At;
        }

        return stamps;
    }

    public async ValueTask DisposeAsync()
    {
        await _publisher.DisposeAsync();
        await _connection.DisposeAsync();
    }

    private Task OnAnswer(string routingKey)
    {
        _answers.Enqueue((Stopwatch.GetTimestamp(), routingKey.StartsWith("described.", StringComparison.Ordinal)));
        _arrived.Release();
        return Task.CompletedTask;
    }
}
