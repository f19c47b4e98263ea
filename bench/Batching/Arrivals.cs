namespace VlWorker.Bench.Batching;

/// <summary>When rows arrive.</summary>
internal enum ArrivalKind
{
    /// <summary>Independently of each other.</summary>
    Poisson,

    /// <summary>In bursts of eight on the average, a millisecond apart, as one who sends a folder's images does.</summary>
    Bursty,
}

/// <summary>Makes moments of arrival; the same seed gives the same.</summary>
internal static class Arrivals
{
    private const double Burst = 8;

    /// <summary>Moments in milliseconds, ascending.</summary>
    /// <param name="kind">How they are spread.</param>
    /// <param name="rate">Rows a millisecond.</param>
    /// <param name="count">Rows.</param>
    /// <param name="seed">Seed.</param>
    public static double[] Make(ArrivalKind kind, double rate, int count, int seed)
    {
        var (random, now) = (new Random(seed), 0d);
        // Where bursts would run into each other, they are denser: half of the time belongs to the pauses.
        var cycle = Burst / rate;
        var within = Math.Min(1, cycle / (2 * (Burst - 1)));
        var between = cycle - ((Burst - 1) * within);
        var moments = new double[count];
        for (var i = 0; i < count; i++)
        {
            var goesOn = i > 0 && kind == ArrivalKind.Bursty && random.NextDouble() < 1 - (1 / Burst);
            now += Exponential(random, kind == ArrivalKind.Poisson ? 1 / rate : goesOn ? within : between);
            moments[i] = now;
        }

        return moments;
    }

    private static double Exponential(Random random, double mean) => -mean * Math.Log(1 - random.NextDouble());
}
