using VlWorker.Contracts;
using VlWorker.Failures;
using VlWorker.Inference;

namespace VlWorker.Batching;

/// <summary>All rows that wait, by bucket; a bucket is there while it has rows. Guarded by the batcher's lock.</summary>
internal sealed class BucketTable
{
    private readonly Dictionary<BatchKey, Bucket> _buckets = [];

    /// <summary>The buckets that have rows.</summary>
    public IReadOnlyCollection<Bucket> All => _buckets.Values;

    public void Add(BatchKey key, BatchRow row)
    {
        if (!_buckets.TryGetValue(key, out var bucket))
            _buckets.Add(key, bucket = new Bucket(key));
        bucket.Add(row);
    }

    /// <summary>Takes a row out; false if it has left already.</summary>
    public bool Remove(BatchKey key, BatchRow row)
    {
        if (!_buckets.TryGetValue(key, out var bucket) || !bucket.Remove(row))
            return false;
        DropIfEmpty(bucket);
        return true;
    }

    /// <summary>Takes rows that will run; see <see cref="Bucket.Take"/>.</summary>
    public IReadOnlyList<BatchRow> Take(Bucket bucket, Share share, Func<int, int, int> fill, BatchWindow window, long now)
    {
        var rows = bucket.Take(share, fill, window.Overdue(bucket, now));
        DropIfEmpty(bucket);
        window.Formed(rows);
        return rows;
    }

    /// <summary>Rejects the rows whose deadline has passed.</summary>
    public void Expire(DateTimeOffset now)
    {
        foreach (var bucket in _buckets.Values.Where(bucket => bucket.Deadlines > 0).ToArray())
        {
            foreach (var row in bucket.Rows.Where(row => row.Deadline <= now).ToArray())
            {
                bucket.Remove(row);
                row.Fail(new RejectedException(RejectionReason.Expired, "the deadline passed while the request waited for a batch"));
            }

            DropIfEmpty(bucket);
        }
    }

    /// <summary>Fails all rows.</summary>
    public void Fail(Exception reason)
    {
        foreach (var row in _buckets.Values.SelectMany(bucket => bucket.Rows))
            row.Fail(reason);
        _buckets.Clear();
    }

    private void DropIfEmpty(Bucket bucket)
    {
        if (bucket.Count == 0)
            _buckets.Remove(bucket.Key);
    }
}
