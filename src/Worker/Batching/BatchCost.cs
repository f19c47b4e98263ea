namespace VlWorker.Batching;

/// <summary>What a batch costs on a device: a + b*rows.</summary>
/// <param name="Fixed">a, seconds: what two batches pay twice.</param>
/// <param name="PerRow">b, seconds a row.</param>
internal readonly record struct BatchCost(double Fixed, double PerRow)
{
    /// <summary>Seconds of a batch.</summary>
    public double Seconds(double rows) => Fixed + (PerRow * rows);

    /// <summary>The smallest batch with a share of the rows a second that a full one gives.</summary>
    public int Rows(double share, int full) =>
        Math.Clamp((int)Math.Ceiling(share * full * Fixed / (Fixed + ((1 - share) * PerRow * full))), 1, full);
}
