using VlWorker.Inference;

namespace VlWorker.Batching;

/// <summary>What is known of buckets, of so many at most: image shapes can make many. Not thread-safe.</summary>
internal sealed class KeptByBucket<T>
    where T : class
{
    private const int Most = 256;

    private readonly Dictionary<BatchKey, T> _kept = [];

    /// <summary>What is known of a bucket; null where it is not kept.</summary>
    public T? Find(BatchKey key) => _kept.GetValueOrDefault(key);

    /// <summary>Keeps what is known of a bucket that has nothing here; another's makes room for it.</summary>
    public T Add(BatchKey key, T known)
    {
        if (_kept.Count == Most)
            _kept.Remove(_kept.Keys.First());
        _kept.Add(key, known);
        return known;
    }
}
