using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using VlWorker.Contracts;

namespace VlWorker.Bench.Batching;

/// <summary>An image that was described.</summary>
/// <param name="Job">Its job; null if it had none.</param>
/// <param name="At">Stopwatch timestamp of the answer's arrival.</param>
/// <param name="Milliseconds">From publishing until then.</param>
/// <param name="Timings">What the worker says.</param>
internal sealed record Described(string? Job, long At, double Milliseconds, Timings Timings);

/// <summary>Asks a worker over the broker, in any lane and for any job, and notes when each answer arrives.</summary>
internal sealed class LaneTraffic : IAsyncDisposable
{
    private readonly IConnection _connection;
    private readonly IChannel _publisher;
    private readonly ConcurrentDictionary<string, TaskCompletionSource<(long At, byte[] Body)>> _asked = new(StringComparer.Ordinal);
    private readonly string _bucket;
    private readonly IReadOnlyList<string> _keys;
    private int _count;

    private LaneTraffic(IConnection connection, IChannel publisher, string bucket, IReadOnlyList<string> keys)
    {
        (_connection, _publisher, _bucket, _keys) = (connection, publisher, bucket, keys);
    }

    public static async Task<LaneTraffic> ConnectAsync(string broker, string bucket, IReadOnlyList<string> keys)
    {
        var connection = await new ConnectionFactory { Uri = new Uri(broker) }.CreateConnectionAsync();
        var publisher = await connection.CreateChannelAsync(new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true));
        var traffic = new LaneTraffic(connection, publisher, bucket, keys);
        var channel = await connection.CreateChannelAsync();
        var queue = (await channel.QueueDeclareAsync()).QueueName;
        await channel.QueueBindAsync(queue, Topology.ResultsExchange, "#");
        var consumer = new AsyncEventingBasicConsumer(channel);
        consumer.ReceivedAsync += (_, delivery) => traffic.OnAnswer(delivery);
        await channel.BasicConsumeAsync(queue, autoAck: true, consumer);
        return traffic;
    }

    /// <summary>Has one image described.</summary>
    public async Task<Described> AskAsync(string lane, string? job = null)
    {
        var number = Interlocked.Increment(ref _count);
        var id = number.ToString(CultureInfo.InvariantCulture);
        var answer = new TaskCompletionSource<(long At, byte[] Body)>(TaskCreationOptions.RunContinuationsAsynchronously);
        _asked[id] = answer;
        var request = new DescribeImage
        {
            Id = id,
            JobId = job,
            Image = new ImageReference { Bucket = _bucket, Key = _keys[number % _keys.Count] },
            Tasks = [Tasks.Caption],
        };
        var started = Stopwatch.GetTimestamp();
        await _publisher.BasicPublishAsync(
            Topology.RequestsExchange, lane, true, new BasicProperties { Persistent = true, MessageId = id }, ContractsJson.Write(request));
        var (at, body) = await answer.Task.WaitAsync(TimeSpan.FromMinutes(1));
        return new Described(job, at, Stopwatch.GetElapsedTime(started, at).TotalMilliseconds, ContractsJson.Read<ImageDescribed>(body).Timings);
    }

    /// <summary>Keeps so many images of a job on their way until it is stopped; returns when the last is described.</summary>
    public async Task<List<Described>> SaturateAsync(string job, int onTheirWay, CancellationToken stop)
    {
        var described = await Task.WhenAll(Enumerable.Range(0, onTheirWay).Select(_ => Task.Run(async () =>
        {
            var mine = new List<Described>();
            while (!stop.IsCancellationRequested)
                mine.Add(await AskAsync(Topology.BackfillRoutingKey, job));
            return mine;
        })));
        return [.. described.SelectMany(mine => mine)];
    }

    /// <summary>Asks for images of the interactive lane that arrive independently of each other.</summary>
    public async Task<Described[]> InteractAsync(double perSecond, double seconds, int seed)
    {
        var clock = Stopwatch.StartNew();
        var asked = new List<Task<Described>>();
        foreach (var moment in Arrivals.Make(ArrivalKind.Poisson, perSecond / 1000, (int)(perSecond * seconds), seed))
        {
            await Clock.UntilAsync(clock, moment);
            asked.Add(AskAsync(Topology.InteractiveRoutingKey));
        }

        return await Task.WhenAll(asked);
    }

    public async ValueTask DisposeAsync()
    {
        await _publisher.DisposeAsync();
        await _connection.DisposeAsync();
    }

    private Task OnAnswer(BasicDeliverEventArgs delivery)
    {
        var at = Stopwatch.GetTimestamp();
        if (delivery.BasicProperties.CorrelationId is not { } id || !_asked.TryRemove(id, out var answer))
            return Task.CompletedTask;
        if (delivery.RoutingKey.StartsWith("described.", StringComparison.Ordinal))
            answer.SetResult((at, delivery.Body.ToArray()));
        else
            answer.SetException(new InvalidOperationException($"a sample was rejected: {delivery.RoutingKey}"));
        return Task.CompletedTask;
    }
}
