namespace VlWorker.Batching;

/// <summary>What a batch costs on a device: a + b*rows.</summary>
/// <param name="Fixed">a, seconds: what two batches pay twice.</param>
/// <param name="PerRow">b, seconds a row.</param>
internal readonly record struct BatchCost(double Fixed, double PerRow)
{
    /// <summary>Seconds of a batch.</summary>
    public double Seconds(double rows) => Fixed + (PerRow * rows);
}
