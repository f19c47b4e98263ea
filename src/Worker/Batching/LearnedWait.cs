namespace VlWorker.Batching;

/// <summary>Says how long it pays to hold a batch back, so that rows that are about to come may join it.</summary>
/// <remarks>
/// A row that comes while the batch is held joins it, instead of waiting until a stream is free: that is what waiting gains. It costs what the rows
/// that are there wait, and, if no other stream is free about as soon as this one would be again, what the rows wait that come while it runs. So
/// <code>
/// gain   for each row that comes in time:  R - when it comes - 2b * (rows here - rows that would be in its batch otherwise)
/// cost   for each second:                  rows here [+ rate * T, if no other stream is free by about T], times the streams that idle
/// T = a + b * rows here: until this stream would be free again;  R: until a stream is free for those who come now, if this batch starts now
/// </code>
/// Where many rows come within R their number is rate * time, and the best moment is a formula: it spreads the starts of several streams evenly. Where
/// few come, each past gap is taken as equally likely, so that a batch is held within a burst and not behind it. With one stream and rows that come
/// independently of each other, waiting never pays.
/// </remarks>
internal static class LearnedWait
{
    /// <summary>Rows within R from which their number is as good as certain.</summary>
    private const double Many = 16;

    /// <summary>Streams that started together differ by what their batches do: they would end together for ever, and count as one.</summary>
    private const double AboutAsSoon = 1.25;

    /// <summary>Seconds: timers are no finer.</summary>
    private const double Tick = 0.001;

    /// <summary>The best of many moments looks better than it is, since a few gaps say little.</summary>
    private const double Margin = 1.1;

    /// <summary>Seconds, zero if it should start now; not bounded by anything but the gain.</summary>
    /// <param name="rows">Rows that wait.</param>
    /// <param name="cost">The bucket's batches on the device.</param>
    /// <param name="streams">The streams that might take the bucket's rows.</param>
    /// <param name="gaps">The bucket's arrivals.</param>
    /// <param name="now">Timestamp of this moment.</param>
    public static double Seconds(int rows, BatchCost cost, StreamOutlook streams, ArrivalGaps gaps, long now)
    {
        var (busy, rate) = (cost.Seconds(rows), gaps.Rate);
        var (until, delayed) = streams.Soonest <= AboutAsSoon * busy ? (streams.Soonest, rows) : (busy, rows + (rate * busy));
        var each = streams.Idle * delayed;
        return rate * until >= Many
            ? Math.Max(0, ((rate * Gain(0)) - each) / (rate * (streams.Idle + 1)))
            : Best(gaps.Ahead(now), each, Gain);

        double Gain(double comes) => Math.Max(0, until - comes - (2 * cost.PerRow * Math.Max(0, rows - (rate * (until - comes)))));
    }

    /// <summary>The moment until which waiting gains most, of the moments at which a row may come.</summary>
    private static double Best(double[] ahead, double cost, Func<double, double> gain)
    {
        var (best, most, gained, waited) = (0d, 0d, 0d, 0d);
        for (var i = 0; i < ahead.Length; i++)
        {
            gained += gain(ahead[i]);
            waited += ahead[i];
            var until = Math.Ceiling(ahead[i] / Tick) * Tick;
            if (i + 1 < ahead.Length && ahead[i + 1] <= until)
                continue;
            // Who waits until then waits as long if none has come before.
            var net = gained - (Margin * cost * (waited + (until * (ahead.Length - i - 1))));
            if (net > most)
                (best, most) = (until, net);
        }

        return best;
    }
}
