namespace VlWorker.Batching;

/// <summary>Times between the last interactive rows of a bucket: they tell when the next may come. Guarded by the batcher's lock.</summary>
/// <remarks>Kept as they were, not as a mean: where rows come in bursts, it matters whether one has just come.</remarks>
internal sealed class ArrivalGaps(TimeProvider time)
{
    private const int Most = 128;
    private const int Enough = 16;

    /// <summary>Seconds; rows that come at the same moment would make the rate infinite.</summary>
    private const double Least = 1e-6;

    private readonly double[] _gaps = new double[Most];
    private int _count;
    private int _next;
    private double _sum;
    private long _last;

    /// <summary>Whether there are enough to judge by.</summary>
    public bool IsKnown => _count >= Enough;

    /// <summary>Rows a second.</summary>
    public double Rate => _count / _sum;

    /// <summary>A row has come. The first one begins the first gap.</summary>
    public void Arrived(long now, bool first)
    {
        if (!first)
            Add(Math.Max(Least, time.GetElapsedTime(_last, now).TotalSeconds));
        _last = now;
    }

    /// <summary>
    /// Seconds until the next row, each as likely as the others, ascending: what was left of every longer gap when it was as old as the present one is,
    /// and the mean gap, as there is always a chance that there are none like it yet.
    /// </summary>
    public double[] Ahead(long now)
    {
        var elapsed = time.GetElapsedTime(_last, now).TotalSeconds;
        double[] ahead = [1 / Rate, .. _gaps.Take(_count).Where(gap => gap > elapsed).Select(gap => gap - elapsed)];
        Array.Sort(ahead);
        return ahead;
    }

    private void Add(double gap)
    {
        if (_count < Most)
            _count++;
        _gaps[_next] = gap;
        _next = (_next + 1) % Most;
        // Added up anew: a running sum would keep the rounding errors of the longest gap that ever was.
        _sum = 0;
        foreach (var one in _gaps.AsSpan(0, _count))
            _sum += one;
    }
}
