namespace VlWorker.Batching;

/// <summary>
/// Run time of one bucket's batches on one device, learned from those that ran: a + b*rows, fitted by least squares in which older batches fade.
/// </summary>
/// <remarks>
/// The first batch counts only until there is a second: it pays for what happens once. While all batches were of one size, the two terms can't be
/// told apart, and the time of another size is known within bounds only: between all fixed and all proportional.
/// Errors count relative to a batch's time: large batches vary by more than the fixed part is, and would drown what small ones say of it.
/// </remarks>
internal sealed class BatchTime
{
    /// <summary>What a batch still counts after each later one: some ten batches say how long batches take now.</summary>
    private const double Fade = 0.9;

    /// <summary>The ratio of the two terms changes less, and needs more batches.</summary>
    private const double ShapeFade = 0.95;

    /// <summary>Sizes whose spread is below this share of their mean tell nothing of the slope.</summary>
    private const double LeastSpread = 0.1;

    private double _weight;
    private double _rows;
    private double _seconds;
    private Sums _sums;
    private (double Fixed, double PerRow)? _shape;

    /// <summary>Batches seen.</summary>
    public int Batches { get; private set; }

    /// <summary>Learns from a batch that ran.</summary>
    public void Observe(int rows, TimeSpan time)
    {
        Batches++;
        var forget = Batches == 2;
        // A time of zero would make a device infinitely fast.
        var seconds = Math.Max(time.TotalSeconds, 1e-6);
        var fade = forget ? 0 : Fade;
        (_weight, _rows, _seconds) = ((_weight * fade) + 1, (_rows * fade) + rows, (_seconds * fade) + seconds);
        _sums = _sums.Add(forget ? 0 : ShapeFade, rows, seconds);
        _shape = _sums.Line() ?? _shape;
    }

    /// <summary>Seconds that a batch takes, if what is not known turns out well; null before the first batch.</summary>
    public double? AtLeast(int rows) => Predict(rows, rows < _rows / _weight);

    /// <summary>Seconds that a batch takes, if what is not known turns out badly; null before the first batch.</summary>
    public double? AtMost(int rows) => Predict(rows, rows > _rows / _weight);

    /// <summary>a and b; null while sizes that ran don't tell them apart.</summary>
    public BatchCost? Cost
    {
        get
        {
            // The shape stays what it was while sizes don't vary; its scale follows the last batches.
            if (_shape is not { } shape)
                return null;
            var scale = _seconds / ((shape.Fixed * _weight) + (shape.PerRow * _rows));
            return new BatchCost(shape.Fixed * scale, shape.PerRow * scale);
        }
    }

    private double? Predict(int rows, bool proportional)
    {
        if (Batches == 0)
            return null;
        if (Cost is { } cost)
            return cost.Seconds(rows);
        var (meanRows, meanSeconds) = (_rows / _weight, _seconds / _weight);
        return proportional ? meanSeconds * rows / meanRows : meanSeconds;
    }

    /// <summary>What least squares need, each batch weighed by the inverse square of its time.</summary>
    private readonly record struct Sums(double Weight, double Rows, double RowsSquared, double Seconds, double Product)
    {
        public Sums Add(double fade, double rows, double seconds)
        {
            var weight = 1 / (seconds * seconds);
            return new Sums(
                (Weight * fade) + weight,
                (Rows * fade) + (weight * rows),
                (RowsSquared * fade) + (weight * rows * rows),
                (Seconds * fade) + (weight * seconds),
                (Product * fade) + (weight * rows * seconds));
        }

        /// <summary>Null if the sizes don't vary.</summary>
        public (double Fixed, double PerRow)? Line()
        {
            var (meanRows, meanSeconds) = (Rows / Weight, Seconds / Weight);
            var variance = (RowsSquared / Weight) - (meanRows * meanRows);
            if (variance < LeastSpread * LeastSpread * meanRows * meanRows)
                return null;
            var slope = Math.Clamp(((Product / Weight) - (meanRows * meanSeconds)) / variance, 0, meanSeconds / meanRows);
            return (meanSeconds - (slope * meanRows), slope);
        }
    }
}
