using VlWorker.Inference;

namespace VlWorker.Batching;

/// <summary>Says how long a bucket's next batch may still wait for more rows, and which bucket goes first: the one place where waiting is decided.</summary>
/// <remarks>Guarded by the batcher's lock.</remarks>
internal sealed class BatchWindow(BatchingOptions options, TimeProvider time)
{
    /// <summary>Buckets whose arrivals are kept: image shapes can make many.</summary>
    private const int MostBuckets = 256;

    private readonly TimeSpan _maxWait = TimeSpan.FromMilliseconds(options.MaxWaitMs);
    private readonly TimeSpan _age = TimeSpan.FromMilliseconds(options.BackfillAgeMs);
    private readonly Dictionary<BatchKey, ArrivalGaps> _arrivals = [];

    /// <summary>Batches with interactive rows since the last one without.</summary>
    private int _passed;

    /// <summary>An interactive row came.</summary>
    public void Arrived(BatchKey key, long now)
    {
        if (_arrivals.TryGetValue(key, out var gaps))
        {
            gaps.Arrived(now, first: false);
            return;
        }

        if (_arrivals.Count == MostBuckets)
            _arrivals.Remove(_arrivals.Keys.First());
        _arrivals.Add(key, gaps = new ArrivalGaps(time));
        gaps.Arrived(now, first: true);
    }

    /// <summary>Zero or less: close the batch now, if a device is free.</summary>
    /// <param name="bucket">The bucket.</param>
    /// <param name="device">The device.</param>
    /// <param name="streams">All streams that might take the bucket's rows.</param>
    /// <param name="now">Timestamp of this moment.</param>
    public TimeSpan Remaining(Bucket bucket, DeviceLoad device, StreamOutlook streams, long now)
    {
        if (bucket.Count >= device.Limit(bucket.Key) || DeadlineIsNear(bucket))
            return TimeSpan.Zero;
        // Nobody waits for backfill alone: the fuller its batch, the better.
        return options.Window == WindowKind.Fixed || bucket.OldestInteractive is null
            ? _maxWait - time.GetElapsedTime(Oldest(bucket), now)
            : Learned(bucket, device, streams, now);
    }

    /// <summary>Whether a backfill row has waited so long that interactive rows no longer pass it at will.</summary>
    public bool Aged(BatchRow row, long now) => time.GetElapsedTime(row.Submitted, now) >= _age;

    /// <summary>
    /// Orders buckets that are ready: those with interactive rows first, then the longest wait. Lower goes first. Once the backfill of a bucket without
    /// interactive rows has aged, it gets every fourth batch.
    /// </summary>
    public (int Class, long Submitted) Rank(Bucket bucket, long now)
    {
        if (bucket.OldestInteractive is { } interactive)
            return (1, interactive.Submitted);
        var backfill = bucket.OldestBackfill!;
        return (_passed >= Bucket.InteractiveToAged && Aged(backfill, now) ? 0 : 2, backfill.Submitted);
    }

    /// <summary>A batch was formed.</summary>
    public void Formed(IReadOnlyList<BatchRow> rows) => _passed = rows.Any(row => row.Priority == BatchPriority.Interactive) ? _passed + 1 : 0;

    private TimeSpan Learned(Bucket bucket, DeviceLoad device, StreamOutlook streams, long now)
    {
        // Backfill is company enough. What is not known yet is learned soonest by running.
        if (bucket.OldestBackfill is not null || device.Cost(bucket.Key) is not { } cost
            || !_arrivals.TryGetValue(bucket.Key, out var gaps) || !gaps.IsKnown)
            return TimeSpan.Zero;
        // All that waiting can save a device is the fixed part of a batch: to wait longer than that takes would lose throughput.
        var bound = Math.Min(_maxWait.TotalSeconds, cost.Fixed) - time.GetElapsedTime(Oldest(bucket), now).TotalSeconds;
        return bound <= 0
            ? TimeSpan.Zero
            : TimeSpan.FromSeconds(Math.Min(bound, LearnedWait.Seconds(bucket.Count, cost, streams, gaps, now)));
    }

    /// <summary>A row whose deadline is near gets no wait at all: what is left of its time belongs to the device.</summary>
    private bool DeadlineIsNear(Bucket bucket)
    {
        if (bucket.Deadlines == 0)
            return false;
        var near = time.GetUtcNow() + _maxWait + _maxWait;
        return bucket.Rows.Any(row => row.Deadline < near);
    }

    private static long Oldest(Bucket bucket) =>
        Math.Min(bucket.OldestInteractive?.Submitted ?? long.MaxValue, bucket.OldestBackfill?.Submitted ?? long.MaxValue);
}
