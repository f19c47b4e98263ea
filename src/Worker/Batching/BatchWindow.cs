using VlWorker.Inference;

namespace VlWorker.Batching;

/// <summary>Says how long a bucket's next batch may still wait for more rows, and which bucket goes first: the one place where waiting is decided.</summary>
/// <remarks>Guarded by the batcher's lock.</remarks>
internal sealed class BatchWindow(BatchingOptions options, TimeProvider time)
{
    private readonly TimeSpan _maxWait = TimeSpan.FromMilliseconds(options.MaxWaitMs);
    private readonly TimeSpan _age = TimeSpan.FromMilliseconds(options.BackfillAgeMs);
    private readonly KeptByBucket<ArrivalGaps> _arrivals = new();

    /// <summary>Batches with interactive rows since the last one without.</summary>
    private int _passed;

    /// <summary>An interactive row came.</summary>
    public void Arrived(BatchKey key, long now)
    {
        if (_arrivals.Find(key) is { } gaps)
            gaps.Arrived(now, first: false);
        else
            _arrivals.Add(key, new ArrivalGaps(time)).Arrived(now, first: true);
    }

    /// <summary>Zero or less: close the batch now, if a device is free.</summary>
    /// <param name="bucket">The bucket.</param>
    /// <param name="device">The device.</param>
    /// <param name="devices">All devices: others' streams might take the bucket's rows too.</param>
    /// <param name="now">Timestamp of this moment.</param>
    public TimeSpan Remaining(Bucket bucket, DeviceLoad device, IReadOnlyList<DeviceLoad> devices, long now)
    {
        if (bucket.Count >= device.Limit(bucket.Key) || DeadlineIsNear(bucket))
            return TimeSpan.Zero;
        // Nobody waits for backfill alone: the fuller its batch, the better.
        return options.Window == WindowKind.Fixed || bucket.OldestInteractive is null
            ? _maxWait - time.GetElapsedTime(Oldest(bucket), now)
            : Learned(bucket, device, devices, now);
    }

    /// <summary>Whether a backfill row has waited so long that interactive rows no longer pass it at will.</summary>
    public bool Overdue(Bucket bucket, long now) => bucket.OldestBackfill is { } oldest && time.GetElapsedTime(oldest.Submitted, now) >= _age;

    /// <summary>
    /// Orders buckets that are ready: those with interactive rows first, then the longest wait. Lower goes first. Once the backfill of a bucket without
    /// interactive rows has aged, it gets every fourth batch.
    /// </summary>
    public (int Class, long Submitted) Rank(Bucket bucket, long now)
    {
        if (bucket.OldestInteractive is { } interactive)
            return (1, interactive.Submitted);
        return (_passed >= Bucket.InteractiveToAged && Overdue(bucket, now) ? 0 : 2, bucket.OldestBackfill!.Submitted);
    }

    /// <summary>A batch was formed.</summary>
    public void Formed(IReadOnlyList<BatchRow> rows) => _passed = rows.Any(row => row.Priority == BatchPriority.Interactive) ? _passed + 1 : 0;

    private TimeSpan Learned(Bucket bucket, DeviceLoad device, IReadOnlyList<DeviceLoad> devices, long now)
    {
        // Backfill is company enough. What is not known yet is learned soonest by running.
        if (bucket.OldestBackfill is not null || device.Cost(bucket.Key) is not { } cost
            || _arrivals.Find(bucket.Key) is not { IsKnown: true } gaps)
            return TimeSpan.Zero;
        // All that waiting can save a device is the fixed part of a batch: to wait longer than that takes would lose throughput.
        var bound = Math.Min(_maxWait.TotalSeconds, cost.Fixed) - time.GetElapsedTime(Oldest(bucket), now).TotalSeconds;
        if (bound <= 0)
            return TimeSpan.Zero;
        var streams = StreamOutlook.Of(devices, bucket.Key, time, now);
        return TimeSpan.FromSeconds(Math.Min(bound, LearnedWait.Seconds(bucket.Count, cost, streams, gaps, now)));
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
