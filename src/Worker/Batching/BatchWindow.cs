namespace VlWorker.Batching;

/// <summary>Says how long a bucket's next batch may still wait for more rows, and which bucket goes first: the one place where waiting is decided.</summary>
internal sealed class BatchWindow(BatchingOptions options, TimeProvider time)
{
    private readonly TimeSpan _maxWait = TimeSpan.FromMilliseconds(options.MaxWaitMs);
    private readonly TimeSpan _age = TimeSpan.FromMilliseconds(options.BackfillAgeMs);

    /// <summary>Zero or less: close the batch now, if a device is free.</summary>
    /// <param name="bucket">The bucket.</param>
    /// <param name="full">Rows of the device's batch at most.</param>
    /// <param name="now">Timestamp of this moment.</param>
    public TimeSpan Remaining(Bucket bucket, int full, long now)
    {
        if (bucket.Count >= full)
            return TimeSpan.Zero;
        var remaining = _maxWait - time.GetElapsedTime(Oldest(bucket), now);
        if (bucket.Deadlines == 0)
            return remaining;
        var utcNow = time.GetUtcNow();
        foreach (var row in bucket.Rows)
        {
            // A row whose deadline is near gets no wait at all: what is left of its time belongs to the device.
            if (row.Deadline - utcNow < _maxWait + _maxWait)
                return TimeSpan.Zero;
        }

        return remaining;
    }

    /// <summary>Whether a backfill row has waited so long that it counts as interactive.</summary>
    public bool Aged(BatchRow row, long now) => time.GetElapsedTime(row.Submitted, now) >= _age;

    /// <summary>Orders buckets that are ready: those with interactive or aged rows first, then the longest wait. Lower goes first.</summary>
    public (int Class, long Submitted) Rank(Bucket bucket, long now)
    {
        var urgent = bucket.OldestInteractive is not null || (bucket.OldestBackfill is { } row && Aged(row, now));
        return urgent && bucket.OldestBackfill is { } backfill && !Aged(backfill, now)
            ? (0, bucket.OldestInteractive!.Submitted)
            : (urgent ? 0 : 1, Oldest(bucket));
    }

    private static long Oldest(Bucket bucket) =>
        Math.Min(bucket.OldestInteractive?.Submitted ?? long.MaxValue, bucket.OldestBackfill?.Submitted ?? long.MaxValue);
}
