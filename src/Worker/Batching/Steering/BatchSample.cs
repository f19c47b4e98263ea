namespace VlWorker.Batching.Steering;

/// <summary>A model's batches on a device since the last decision on them.</summary>
internal sealed class BatchSample
{
    /// <summary>A percentile of fewer says little.</summary>
    private const int Enough = 20;

    /// <summary>What can't be an accident.</summary>
    private const int Few = 3;

    /// <summary>Times kept: the last ones.</summary>
    private const int Most = 256;

    private readonly Queue<double> _seconds = new();
    private int _full;
    private int _batches;

    /// <summary>Whether there are enough to decide on.</summary>
    public bool IsEnough => _batches >= Enough;

    /// <summary>Whether a few batches are enough, since every one of them took longer than this many seconds.</summary>
    public bool AllAbove(double seconds) => _batches >= Few && _seconds.Min() > seconds;

    /// <summary>Share of the batches that had as many rows as they might: the others had no more to take.</summary>
    public double Full => (double)_full / _batches;

    /// <summary>What 19 of 20 batches took at most, in seconds.</summary>
    public double Percentile95 => _seconds.Order().ElementAt((int)(0.95 * (_seconds.Count - 1)));

    public void Add(bool full, double seconds)
    {
        _batches++;
        _full += full ? 1 : 0;
        _seconds.Enqueue(seconds);
        if (_seconds.Count > Most)
            _seconds.Dequeue();
    }

    public void Clear()
    {
        (_full, _batches) = (0, 0);
        _seconds.Clear();
    }
}
