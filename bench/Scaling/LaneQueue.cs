namespace VlWorker.Bench.Scaling;

/// <summary>Messages of one lane, first come first served, and how long they waited until a pod was done with them.</summary>
internal sealed class LaneQueue
{
    private readonly LinkedList<(int Arrived, long Count)> _waiting = new();
    private readonly SortedDictionary<int, long> _waits = [];

    /// <summary>Messages that arrived and are not done.</summary>
    public long Total { get; private set; }

    /// <summary>Messages that are done.</summary>
    public long Done { get; private set; }

    /// <summary>The largest number not done at any time.</summary>
    public long Largest { get; private set; }

    /// <summary>Messages arrive.</summary>
    public void Add(int second, long count)
    {
        if (count == 0)
            return;
        _waiting.AddLast((second, count));
        Total += count;
        Largest = Math.Max(Largest, Total);
    }

    /// <summary>The oldest so many are done; returns how many there were.</summary>
    public long Finish(int second, long capacity)
    {
        var left = capacity;
        while (left > 0 && _waiting.First is { Value: var oldest } first)
        {
            var taken = Math.Min(left, oldest.Count);
            var wait = second - oldest.Arrived;
            _waits[wait] = _waits.GetValueOrDefault(wait) + taken;
            left -= taken;
            if (taken < oldest.Count)
                first.Value = (oldest.Arrived, oldest.Count - taken);
            else
                _waiting.RemoveFirst();
        }

        Total -= capacity - left;
        Done += capacity - left;
        return capacity - left;
    }

    /// <summary>The wait in seconds that a share of the messages did not exceed.</summary>
    public int Percentile(double share)
    {
        long seen = 0;
        foreach (var (wait, count) in _waits)
        {
            seen += count;
            if (seen >= share * Done)
                return wait;
        }

        return 0;
    }
}
