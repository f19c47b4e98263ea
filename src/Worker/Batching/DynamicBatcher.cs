using VlWorker.Failures;
using VlWorker.Inference;

namespace VlWorker.Batching;

/// <summary>The only rendezvous: messages submit rows one by one, devices take batches.</summary>
/// <remarks>
/// A batch is formed late, at the moment a device has a stream free, so that it holds the most urgent rows of that moment.
/// It closes when its bucket is full, or when <see cref="BatchWindow"/> says that waiting longer does not pay; <see cref="Placement"/> says for
/// which device.
/// <code>
/// Submit -> bucket (model, tower, beams, shape) -> Pump: a stream waits and a bucket is ready for it -> Batch -> device -> rows settled
/// </code>
/// </remarks>
internal sealed class DynamicBatcher : IDisposable
{
    /// <summary>How often it is asked again whether rows that were left to faster devices should go to an idle one: those may be late.</summary>
    private static readonly TimeSpan AskAgain = TimeSpan.FromMilliseconds(10);

    private readonly Lock _gate = new();
    private readonly BucketTable _buckets = new();
    private readonly List<DeviceLoad> _devices = [];
    private readonly BatchWindow _window;
    private readonly Placement _placement;
    private readonly TimeProvider _time;
    private readonly ITimer _timer;
    private DependencyException? _closed;

    public DynamicBatcher(BatchingOptions options, TimeProvider time)
    {
        _time = time;
        _window = new BatchWindow(options, time);
        _placement = new Placement(time);
        _timer = time.CreateTimer(static state => ((DynamicBatcher)state!).OnTimer(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Rows that wait for a batch.</summary>
    public int Waiting
    {
        get
        {
            lock (_gate)
                return _buckets.All.Sum(bucket => bucket.Count);
        }
    }

    /// <summary>Submits one row and waits for its outcome. The input belongs to the batcher from here on, whatever happens.</summary>
    /// <exception cref="RejectedException">The deadline passed before a batch took the row (expired), or the row itself is at fault.</exception>
    /// <exception cref="TransientException">This row's inference failed.</exception>
    /// <exception cref="DependencyException">The device is lost, or the batcher takes no more rows.</exception>
    public async Task<BatchedOutcome> SubmitAsync(InferenceInput input, IModel model, RowTerms terms, CancellationToken cancellation)
    {
        var row = new BatchRow(input, terms, _time.GetTimestamp());
        var key = KeyOf(row, model);
        lock (_gate)
        {
            if (_closed is { } reason)
                row.Fail(reason);
            else
                Add(key, row);
            Pump();
        }

        await using var registration = cancellation.UnsafeRegister((_, token) => Withdraw(key, row, token), null);
        return await row.Completion.ConfigureAwait(false);
    }

    /// <summary>Lets a device take batches, by its streams.</summary>
    public void Join(DeviceLoad device)
    {
        lock (_gate)
            _devices.Add(device);
    }

    /// <summary>The next batch for a stream whose last one is done; null once there will be none.</summary>
    public Task<Batch?> TakeAsync(StreamSlot stream)
    {
        var waiting = new TaskCompletionSource<Batch?>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            stream.Running = null;
            stream.Waiting = waiting;
            Pump();
        }

        return waiting.Task;
    }

    /// <summary>Rows, so many at most, that join what a stream runs: its bucket's, while they would be the next batch.</summary>
    public IReadOnlyList<BatchRow> TakeMore(StreamSlot stream, int most)
    {
        lock (_gate)
        {
            if (_closed is not null || stream.Running is not { } running)
                return [];
            var now = _time.GetTimestamp();
            _buckets.Expire(_time.GetUtcNow());
            var first = _buckets.All.Where(bucket => stream.Device.Serves(bucket.Key)).MinBy(bucket => _window.Rank(bucket, now));
            if (first is not { Suspects: 0 } bucket || bucket.Key != running.Key)
                return [];
            var order = _placement.Order(_devices, bucket.Key, bucket.Count, now);
            var share = _placement.Of(order, order.IndexOf(stream.Device), bucket.Key, bucket.Count, now);
            if (share.Count == 0)
                return [];
            // As far as can be told the batch takes as long as if it began now.
            stream.Running = running with { Formed = now };
            // Backfill fills what is free: the batch runs anyway.
            share = share with { Count = Math.Min(share.Count, most) };
            return _buckets.Take(bucket, share, static (_, available) => available, _window, now);
        }
    }

    /// <summary>Takes no more rows; what waits is still served, then streams get null.</summary>
    public void Complete()
    {
        lock (_gate)
        {
            _closed ??= new DependencyException(Dependency.Device, "the worker is stopping");
            Pump();
        }
    }

    /// <summary>Takes no more rows and fails those that wait; streams get null.</summary>
    public void Abort(DependencyException reason)
    {
        lock (_gate)
        {
            _closed = reason;
            _buckets.Fail(reason);
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
        _buckets.Add(key, row);
        if (row.Priority == BatchPriority.Interactive)
            _window.Arrived(key, row.Submitted);
    }

    private void Withdraw(BatchKey key, BatchRow row, CancellationToken cancellation)
    {
        lock (_gate)
        {
            if (!_buckets.Remove(key, row))
                return;
            Pump();
        }

        row.Cancel(cancellation);
    }

    private void OnTimer()
    {
        lock (_gate)
            Pump();
    }

    /// <summary>Hands batches to waiting streams while there are both; then sets the timer for the next moment that matters.</summary>
    private void Pump()
    {
        if (!_devices.Exists(device => device.Idle > 0))
            return;
        _buckets.Expire(_time.GetUtcNow());
        TimeSpan next;
        while (HandOut(_time.GetTimestamp(), out next))
        {
            // Until nobody takes any more.
        }

        if (_closed is not null)
            Release();
        // Timers count whole milliseconds: round up, or one would fire just too early and spin.
        if (next != Timeout.InfiniteTimeSpan)
            next = TimeSpan.FromMilliseconds(Math.Ceiling(next.TotalMilliseconds));
        _timer.Change(next, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Hands out one batch: the most urgent bucket goes first, in it the fastest device.</summary>
    /// <param name="now">Timestamp of this moment.</param>
    /// <param name="next">If there was none to hand out: when to try again, infinite where nothing waits for a device that idles.</param>
    private bool HandOut(long now, out TimeSpan next)
    {
        next = Timeout.InfiniteTimeSpan;
        foreach (var bucket in _buckets.All.OrderBy(bucket => _window.Rank(bucket, now)))
        {
            var order = _placement.Order(_devices, bucket.Key, bucket.Count, now);
            for (var place = 0; place < order.Count; place++)
            {
                var device = order[place];
                if (device.Idle == 0)
                    continue;
                var remaining = _window.Remaining(bucket, device, _devices, now);
                if ((remaining <= TimeSpan.Zero || _closed is not null)
                    && _placement.Of(order, place, bucket.Key, bucket.Count, now) is { Count: > 0 } share)
                {
                    HandOver(device, bucket, share, now);
                    return true;
                }

                remaining = remaining > TimeSpan.Zero ? remaining : AskAgain;
                next = next == Timeout.InfiniteTimeSpan || remaining < next ? remaining : next;
            }
        }

        return false;
    }

    private void HandOver(DeviceLoad device, Bucket bucket, Share share, long now)
    {
        var rows = _buckets.Take(bucket, share, (interactive, available) => device.Fill(bucket.Key, interactive, available), _window, now);
        var batch = new Batch(bucket.Key, rows, now);
        var stream = device.Streams.First(stream => stream.Waiting is not null);
        stream.Running = batch;
        stream.Waiting!.SetResult(batch);
        stream.Waiting = null;
    }

    /// <summary>Ends the streams whose device will get no more rows.</summary>
    private void Release()
    {
        foreach (var device in _devices.Where(device => !_buckets.All.Any(bucket => device.Serves(bucket.Key))))
        {
            foreach (var stream in device.Streams)
            {
                stream.Waiting?.SetResult(null);
                stream.Waiting = null;
            }
        }
    }
}
