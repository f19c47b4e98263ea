namespace VlWorker.Worker.Tests.Batching.Steering;

/// <summary>A device as a formula: a batch costs a fixed time of its own, and a time for each row that all batches in flight share.</summary>
/// <param name="Fixed">Milliseconds, in which the device itself may serve other batches.</param>
/// <param name="PerRow">Milliseconds of the device.</param>
/// <param name="Noise">Standard deviation of a batch's time, as a share of it.</param>
/// <param name="Watched">Whether it tells its utilisation.</param>
internal sealed record SimulatedGpu(double Fixed, double PerRow, double Noise, bool Watched = true)
{
    /// <summary>Time of a batch, without noise, in milliseconds.</summary>
    public double Milliseconds(int rows, int inFlight) => Math.Max(Fixed + (PerRow * rows), inFlight * PerRow * rows);

    /// <summary>Rows a second, as long as there is work.</summary>
    public double RowsPerSecond(int rows, int inFlight) => 1000 * inFlight * rows / Milliseconds(rows, inFlight);

    /// <summary>The most rows a second at which 19 of 20 batches take no longer than the objective, of all sizes and numbers of batches.</summary>
    public double Best(double objective, int maxBatch, int streams)
    {
        var best = 0d;
        for (var rows = 1; rows <= maxBatch; rows++)
        {
            for (var inFlight = 1; inFlight <= streams; inFlight++)
            {
                if (Milliseconds(rows, inFlight) * (1 + (1.65 * Noise)) <= objective)
                    best = Math.Max(best, RowsPerSecond(rows, inFlight));
            }
        }

        return best;
    }
}
