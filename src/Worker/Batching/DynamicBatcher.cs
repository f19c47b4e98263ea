using VlWorker.Contracts;
using VlWorker.Failures;
using VlWorker.Inference;

namespace VlWorker.Batching;

/// <summary>The only rendezvous: messages submit rows one by one, devices take batches.</summary>
/// <remarks>
/// A batch is formed late, at the moment a device asks for one, so that it holds the most urgent rows of that moment.
/// It closes when its bucket is full, or when <see cref="BatchWindow"/> says that waiting longer does not pay.
/// <code>
/// Submit -> bucket (model, tower, beams, shape) -> Pump: a device waits and a bucket is ready -> Batch -> device -> rows settled
/// </code>
/// </remarks>
internal sealed class DynamicBatcher : IDisposable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<BatchKey, Bucket> _buckets = [];
    private readonly Queue<TaskCompletionSource<Batch?>> _devices = new();
    private readonly BatchingOptions _options;
    private readonly BatchWindow _window;
    private readonly TimeProvider _time;
    private readonly ITimer _timer;
    private bool _completed;

    public DynamicBatcher(BatchingOptions options, TimeProvider time)
    {
        _options = options;
        _time = time;
        _window = new BatchWindow(options, time);
        _timer = time.CreateTimer(static state => ((DynamicBatcher)state!).OnTimer(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Rows that wait for a batch.</summary>
    public int Waiting
    {
        get
        {
            lock (_gate)
                return _buckets.Values.Sum(bucket => bucket.Count);
        }
    }

    /// <summary>Submits one row and waits for its outcome. The input belongs to the batcher from here on, whatever happens.</summary>
    /// <exception cref="RejectedException">The deadline passed before a batch took the row (expired), or the row itself is at fault.</exception>
    /// <exception cref="TransientException">This row's inference failed.</exception>
    /// <exception cref="DependencyException">The device is lost, or the batcher takes no more rows.</exception>
    public async Task<BatchedOutcome> SubmitAsync(
        InferenceInput input, IModel model, BatchPriority priority, DateTimeOffset? deadline, CancellationToken cancellation)
    {
        var row = new BatchRow(input, priority, deadline, _time.GetTimestamp());
        var key = KeyOf(row, model);
        lock (_gate)
        {
            if (_completed)
                row.Fail(new DependencyException(Dependency.Device, "the worker is stopping"));
            else
                Add(key, row);
        }

        await using var registration = cancellation.UnsafeRegister((_, token) => Withdraw(key, row, token), null);
        return await row.Completion.ConfigureAwait(false);
    }

    /// <summary>The next batch for a device that has a free slot; null once the batcher is completed and empty.</summary>
    public Task<Batch?> TakeAsync()
    {
        var device = new TaskCompletionSource<Batch?>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            _devices.Enqueue(device);
            Pump();
        }

        return device.Task;
    }

    /// <summary>Takes no more rows; what waits is still served, then devices get null.</summary>
    public void Complete()
    {
        lock (_gate)
        {
            _completed = true;
            Pump();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _timer.Dispose();

    private static BatchKey KeyOf(BatchRow row, IModel model)
    {
        try
        {
            return model.KeyOf(row.Input);
        }
        catch
        {
            row.Input.Dispose();
            throw;
        }
    }

    private void Add(BatchKey key, BatchRow row)
    {
        if (!_buckets.TryGetValue(key, out var bucket))
            _buckets.Add(key, bucket = new Bucket(key));
        bucket.Add(row);
        Pump();
    }

    private void Withdraw(BatchKey key, BatchRow row, CancellationToken cancellation)
    {
        lock (_gate)
        {
            if (!_buckets.TryGetValue(key, out var bucket) || !bucket.Remove(row))
                return;
            DropIfEmpty(bucket);
        }

        row.Cancel(cancellation);
    }

    private void OnTimer()
    {
        lock (_gate)
            Pump();
    }

    /// <summary>Hands batches to waiting devices while there are both; then sets the timer for the next moment that matters.</summary>
    private void Pump()
    {
        while (_devices.Count > 0)
        {
            var now = _time.GetTimestamp();
            Expire();
            if (Ready(now) is { } bucket)
                _devices.Dequeue().SetResult(Form(bucket, now));
            else if (_completed)
                _devices.Dequeue().SetResult(null);
            else
                break;
        }

        Schedule();
    }

    private Bucket? Ready(long now) => _buckets.Values
        .Where(bucket => _completed || _window.Remaining(bucket, now) <= TimeSpan.Zero)
        .MinBy(bucket => _window.Rank(bucket, now));

    private Batch Form(Bucket bucket, long now)
    {
        var rows = bucket.Take(_options.MaxBatch, row => _window.Aged(row, now));
        DropIfEmpty(bucket);
        return new Batch(bucket.Key, rows, now);
    }

    private void Schedule()
    {
        var next = Timeout.InfiniteTimeSpan;
        if (_devices.Count > 0 && _buckets.Count > 0)
        {
            var now = _time.GetTimestamp();
            var remaining = _buckets.Values.Min(bucket => _window.Remaining(bucket, now));
            // Timers count whole milliseconds: round up, or one would fire just too early and spin.
            next = TimeSpan.FromMilliseconds(Math.Max(1, Math.Ceiling(remaining.TotalMilliseconds)));
        }

        _timer.Change(next, Timeout.InfiniteTimeSpan);
    }

    private void Expire()
    {
        var now = _time.GetUtcNow();
        foreach (var bucket in _buckets.Values.ToArray())
        {
            foreach (var row in bucket.Rows.Where(row => row.Deadline <= now).ToArray())
            {
                bucket.Remove(row);
                row.Fail(new RejectedException(RejectionReason.Expired, "the deadline passed while the request waited for a batch"));
            }

            DropIfEmpty(bucket);
        }
    }

    private void DropIfEmpty(Bucket bucket)
    {
        if (bucket.Count == 0)
            _buckets.Remove(bucket.Key);
    }
}
