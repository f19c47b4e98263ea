using VlWorker.Inference;

namespace VlWorker.Batching;

/// <summary>The largest batches that fit into a device's memory, as far as they are known to be below its MaxBatch. Not thread-safe.</summary>
/// <remarks>
/// A ceiling falls to half of what did not fit. It doubles after a batch of its size has fitted and <paramref name="patience"/> has passed without
/// a failure; each failure of a raised ceiling doubles that time for its bucket, up to sixteen times, so that a limit that stays is rarely hit.
/// </remarks>
/// <param name="maxBatch">Rows at most where nothing is known.</param>
/// <param name="patience">Time without failure before a larger batch is tried.</param>
/// <param name="time">The clock.</param>
internal sealed class BatchCeilings(int maxBatch, TimeSpan patience, TimeProvider time)
{
    private const int MostPatience = 16;
    private readonly Dictionary<BatchKey, Ceiling> _low = [];

    /// <summary>Rows of a batch at most.</summary>
    public int For(BatchKey key) => _low.TryGetValue(key, out var ceiling) ? ceiling.Rows : maxBatch;

    /// <summary>The lowest ceiling of a model's buckets.</summary>
    public int Lowest(string model)
    {
        var lowest = maxBatch;
        foreach (var (key, ceiling) in _low)
        {
            if (key.Model == model)
                lowest = Math.Min(lowest, ceiling.Rows);
        }

        return lowest;
    }

    /// <summary>A batch of so many rows did not fit.</summary>
    public void Exceeded(BatchKey key, int rows)
    {
        if (!_low.TryGetValue(key, out var ceiling))
            _low.Add(key, ceiling = new Ceiling { Rows = maxBatch });
        else if (ceiling.Raised)
            ceiling.Patience = Math.Min(ceiling.Patience * 2, MostPatience);
        ceiling.Rows = Math.Max(1, Math.Min(ceiling.Rows, rows / 2));
        ceiling.Raised = false;
        ceiling.Since = time.GetTimestamp();
    }

    /// <summary>A batch of so many rows fitted.</summary>
    public void Fitted(BatchKey key, int rows)
    {
        if (!_low.TryGetValue(key, out var ceiling) || rows < ceiling.Rows || time.GetElapsedTime(ceiling.Since) < patience * ceiling.Patience)
            return;
        if (ceiling.Rows == maxBatch)
        {
            _low.Remove(key);
            return;
        }

        ceiling.Rows = Math.Min(ceiling.Rows * 2, maxBatch);
        ceiling.Raised = true;
        ceiling.Since = time.GetTimestamp();
    }

    private sealed class Ceiling
    {
        public int Rows { get; set; }

        /// <summary>Whether it was raised since the last failure.</summary>
        public bool Raised { get; set; }

        /// <summary>When it fell or rose last.</summary>
        public long Since { get; set; }

        /// <summary>How many times the usual patience it takes.</summary>
        public int Patience { get; set; } = 1;
    }
}
