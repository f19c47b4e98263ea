namespace VlWorker.Batching;

/// <summary>Says whether backfill fills a device's batch that somebody waits for. Guarded by the batcher's lock.</summary>
/// <remarks>
/// Interactive rows are done soonest in a batch of their own. The backfill that it leaves out has to go into another batch, which pays the fixed part
/// of a batch once more: a * (1 - rows / rows of a full batch) is lost. A small share of the time of all batches may be lost by that; where it is used
/// up, backfill fills the batch.
/// </remarks>
internal sealed class BatchFill
{
    /// <summary>Share of the time of the device's batches that may be lost.</summary>
    private const double MostLost = 0.05;

    /// <summary>What a batch still counts after each later one: some fifty batches are the time that counts.</summary>
    private const double Fade = 0.98;

    private double _ran;
    private double _lost;

    /// <summary>Rows of the batch that is being formed.</summary>
    /// <param name="cost">What it costs.</param>
    /// <param name="interactive">Rows up to the last interactive one: they are in it in any case. 0: nobody waits for it.</param>
    /// <param name="available">Rows that it could hold.</param>
    /// <param name="full">Rows of a full batch.</param>
    public int Rows(BatchCost cost, int interactive, int available, int full)
    {
        (_ran, _lost) = (_ran * Fade, _lost * Fade);
        var rows = interactive == 0 ? available : interactive;
        var lost = rows == available ? 0 : cost.Fixed * (1 - ((double)rows / full));
        if (lost > 0 && _lost + lost > MostLost * (_ran + cost.Seconds(rows)))
            (rows, lost) = (available, 0);
        (_ran, _lost) = (_ran + cost.Seconds(rows), _lost + lost);
        return rows;
    }
}
