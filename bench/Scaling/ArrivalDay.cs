namespace VlWorker.Bench.Scaling;

/// <summary>A day of arrivals, second by second: people in the daytime, nobody for some hours of the night, bursts, and one backfill.</summary>
internal sealed class ArrivalDay
{
    /// <summary>Seconds of a day.</summary>
    public const int Seconds = 86_400;

    private const int BackfillStart = 20 * 3600;
    private const int BackfillRate = 8_000;

    private readonly int[] _interactive = new int[Seconds];

    /// <param name="seed">The same seed gives the same day.</param>
    /// <param name="peak">Interactive images a second at noon, bursts apart.</param>
    /// <param name="backfill">Images of the backfill, which begins at 20:00.</param>
    public ArrivalDay(int seed, double peak, long backfill)
    {
        Backfill = backfill;
        var random = new Random(seed);
        var bursts = Enumerable.Range(0, 8)
            .Select(_ => (Start: random.Next(7 * 3600, 19 * 3600), Length: random.Next(60, 600), Factor: 2 + (2 * random.NextDouble()))).ToList();
        for (var second = 0; second < Seconds; second++)
        {
            var hour = second / 3600.0;
            // From 6 to 22 o'clock, highest at 14; nothing in the night.
            var rate = hour is < 6 or > 22 ? 0 : peak * Math.Pow(Math.Sin(Math.PI * (hour - 6) / 16), 2);
            rate *= bursts.Where(burst => second >= burst.Start && second < burst.Start + burst.Length).Select(burst => burst.Factor).DefaultIfEmpty(1).Max();
            _interactive[second] = Poisson(random, rate);
            Interactive += _interactive[second];
        }
    }

    /// <summary>Interactive images of the day.</summary>
    public long Interactive { get; }

    /// <summary>Images of the backfill.</summary>
    public long Backfill { get; }

    /// <summary>Interactive images that arrive within a second.</summary>
    public int InteractiveAt(int second) => _interactive[second];

    /// <summary>Backfill images that arrive within a second: as fast as the producer publishes.</summary>
    public int BackfillAt(int second) => (int)Math.Clamp(Backfill - ((long)(second - BackfillStart) * BackfillRate), 0, second < BackfillStart ? 0 : BackfillRate);

    /// <summary>Knuth's way for small rates, the normal one for large.</summary>
    private static int Poisson(Random random, double rate)
    {
        if (rate > 50)
            return (int)Math.Max(0, Math.Round(rate + (Math.Sqrt(rate) * Normal(random))));
        var (count, product, limit) = (-1, 1.0, Math.Exp(-rate));
        do
        {
            count++;
            product *= random.NextDouble();
        }
        while (product > limit);
        return count;
    }

    private static double Normal(Random random) => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
