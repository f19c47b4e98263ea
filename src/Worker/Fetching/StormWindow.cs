namespace VlWorker.Fetching;

/// <summary>Judges recent attempts together: one object that fails is its own fault, most of them failing is the store's.</summary>
/// <remarks>Remembers the last <see cref="Capacity"/> attempts that are not older than the window. Safe for threads.</remarks>
internal sealed class StormWindow(FetchingOptions options, TimeProvider time)
{
    /// <summary>Attempts remembered at most.</summary>
    public const int Capacity = 1024;

    private readonly Lock _gate = new();
    private readonly Entry[] _entries = new Entry[Capacity];
    private readonly TimeSpan _span = TimeSpan.FromMilliseconds(options.StormWindowMs);
    private long _added;

    private enum Outcome : byte
    {
        Answered,
        Failed,
        Denied,
    }

    /// <summary>The store served an object, or answered for certain that it can't.</summary>
    public void Answered() => Add(0, Outcome.Answered);

    /// <summary>An attempt failed in a way that may be the store's fault.</summary>
    /// <returns>Whether most of the recent attempts, over several objects, did.</returns>
    public bool Failed(string bucket, string key)
    {
        Add(HashCode.Combine(bucket, key), Outcome.Failed);
        return IsStorm(Outcome.Failed, options.StormShare);
    }

    /// <summary>The store denied access to an object.</summary>
    /// <returns>Whether it denied everything lately.</returns>
    public bool Denied(string bucket, string key)
    {
        Add(HashCode.Combine(bucket, key), Outcome.Denied);
        return IsStorm(Outcome.Denied, 1);
    }

    /// <summary>Forgets everything: the next storm has to show itself anew.</summary>
    public void Clear()
    {
        lock (_gate)
            _added = 0;
    }

    private void Add(int objectHash, Outcome outcome)
    {
        var now = time.GetTimestamp();
        lock (_gate)
            _entries[_added++ % Capacity] = new Entry(now, objectHash, outcome);
    }

    private bool IsStorm(Outcome outcome, double share)
    {
        lock (_gate)
        {
            int total = 0, matching = 0;
            var objects = new HashSet<int>();
            for (var i = _added - 1; i >= Math.Max(0, _added - Capacity); i--)
            {
                ref var entry = ref _entries[i % Capacity];
                if (time.GetElapsedTime(entry.Timestamp) > _span)
                    break;
                total++;
                if (entry.Outcome != outcome)
                    continue;
                matching++;
                if (objects.Count < options.StormObjects)
                    objects.Add(entry.ObjectHash);
            }

            return total >= options.StormAttempts && matching >= share * total && objects.Count >= options.StormObjects;
        }
    }

    private readonly record struct Entry(long Timestamp, int ObjectHash, Outcome Outcome);
}
