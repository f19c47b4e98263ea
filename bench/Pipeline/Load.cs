using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using RabbitMQ.Client.Events;
using VlWorker.Contracts;

namespace VlWorker.Bench.Pipeline;

/// <summary>Publishes jobs and notes when each answer arrives, on a queue of its own.</summary>
internal sealed class Load : IAsyncDisposable
{
    private readonly ConcurrentQueue<(long At, bool Described)> _answers = new();
    private readonly SemaphoreSlim _arrived = new(0);
    private ResultsTap _tap = null!;
    private int _published;

    /// <summary>Answers so far: stopwatch timestamp, and whether it was a result.</summary>
    public IReadOnlyCollection<(long At, bool Described)> Answers => _answers;

    public static async Task<Load> ConnectAsync(string broker)
    {
        var load = new Load();
        load._tap = await ResultsTap.OpenAsync(broker, load.OnAnswer);
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
            pending.Add(_tap.PublishAsync(lane, request));
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

    public ValueTask DisposeAsync() => _tap.DisposeAsync();

    private void OnAnswer(BasicDeliverEventArgs delivery)
    {
        _answers.Enqueue((Stopwatch.GetTimestamp(), ResultsTap.IsResult(delivery)));
        _arrived.Release();
    }
}
