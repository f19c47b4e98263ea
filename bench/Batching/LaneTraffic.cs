using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using RabbitMQ.Client.Events;
using VlWorker.Bench.Pipeline;
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
    private readonly ConcurrentDictionary<string, TaskCompletionSource<(long At, byte[] Body)>> _asked = new(StringComparer.Ordinal);
    private readonly string _bucket;
    private readonly IReadOnlyList<string> _keys;
    private ResultsTap _tap = null!;
    private int _count;

    private LaneTraffic(string bucket, IReadOnlyList<string> keys) => (_bucket, _keys) = (bucket, keys);

    public static async Task<LaneTraffic> ConnectAsync(string broker, string bucket, IReadOnlyList<string> keys)
    {
        var traffic = new LaneTraffic(bucket, keys);
        traffic._tap = await ResultsTap.OpenAsync(broker, traffic.OnAnswer);
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
        await _tap.PublishAsync(lane, request);
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

    public ValueTask DisposeAsync() => _tap.DisposeAsync();

    private void OnAnswer(BasicDeliverEventArgs delivery)
    {
        var at = Stopwatch.GetTimestamp();
        if (delivery.BasicProperties.CorrelationId is not { } id || !_asked.TryRemove(id, out var answer))
            return;
        if (ResultsTap.IsResult(delivery))
            answer.SetResult((at, delivery.Body.ToArray()));
        else
            answer.SetException(new InvalidOperationException($"a sample was rejected: {delivery.RoutingKey}"));
    }
}
