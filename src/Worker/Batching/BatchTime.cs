namespace VlWorker.Batching;

/// <summary>
/// Run time of one bucket's batches on one device, learned from those that ran: a + b*rows, fitted by least squares in which older batches fade.
/// </summary>
/// <remarks>
/// The first batch counts only until there is a second: it pays for what happens once. While all batches were of one size, the two terms can't be
/// told apart, and the time of another size is known within bounds only: between all fixed and all proportional.
/// </remarks>
internal sealed class BatchTime
{
    /// <summary>What a batch still counts after each later one: some ten batches make the estimate.</summary>
    private const double Fade = 0.9;

    /// <summary>Sizes whose spread is below this share of their mean tell nothing of the slope.</summary>
    private const double LeastSpread = 0.1;

    private double _weight;
    private double _rows;
    private double _rowsSquared;
    private double _seconds;
    private double _product;
    private (double Fixed, double PerRow)? _shape;

    /// <summary>Batches seen.</summary>
    public int Batches { get; private set; }

    /// <summary>Learns from a batch that ran.</summary>
    public void Observe(int rows, TimeSpan time)
    {
        Batches++;
        var fade = Batches == 2 ? 0 : Fade;
        // A time of zero would make a device infinitely fast.
        var seconds = Math.Max(time.TotalSeconds, 1e-6);
        _weight = (_weight * fade) + 1;
        _rows = (_rows * fade) + rows;
        _rowsSquared = (_rowsSquared * fade) + ((double)rows * rows);
        _seconds = (_seconds * fade) + seconds;
        _product = (_product * fade) + (rows * seconds);
        Fit();
    }

    /// <summary>Seconds that a batch takes, if what is not known turns out well; null before the first batch.</summary>
    public double? AtLeast(int rows) => Predict(rows, rows < _rows / _weight);

    /// <summary>Seconds that a batch takes, if what is not known turns out badly; null before the first batch.</summary>
    public double? AtMost(int rows) => Predict(rows, rows > _rows / _weight);

    private double? Predict(int rows, bool proportional)
    {
        if (Batches == 0)
            return null;
        var (meanRows, meanSeconds) = (_rows / _weight, _seconds / _weight);
        // The shape stays what it was while sizes don't vary; its scale follows the last batches.
        if (_shape is { } shape)
            return meanSeconds * (shape.Fixed + (shape.PerRow * rows)) / (shape.Fixed + (shape.PerRow * meanRows));
        return proportional ? meanSeconds * rows / meanRows : meanSeconds;
    }

    private void Fit()
    {
        var (meanRows, meanSeconds) = (_rows / _weight, _seconds / _weight);
        var variance = (_rowsSquared / _weight) - (meanRows * meanRows);
        if (variance < LeastSpread * LeastSpread * meanRows * meanRows)
            return;
        var slope = Math.Clamp(((_product / _weight) - (meanRows * meanSeconds)) / variance, 0, meanSeconds / meanRows);
        _shape = (meanSeconds - (slope * meanRows), slope);
    }
}
