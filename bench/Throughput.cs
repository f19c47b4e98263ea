using System.Diagnostics;

namespace VlWorker.Bench.Gpu;

/// <summary>What was done in a round, and what it took of the processor.</summary>
/// <param name="PerSecond">Images a second.</param>
/// <param name="Cpu">This process's processor time an image, milliseconds; system and user, all threads.</param>
internal readonly record struct Throughput(double PerSecond, double Cpu)
{
    /// <summary>Starts the clocks.</summary>
    public static Clock Start() => new(Stopwatch.GetTimestamp(), Environment.CpuUsage.TotalTime);

    /// <summary>The middle round's images a second.</summary>
    public static double Median(IEnumerable<Throughput> rounds) => GpuClock.Median(rounds.Select(round => round.PerSecond));

    /// <summary>A row of a table: what, images a second, milliseconds of processor time an image, cores busy.</summary>
    public static string Row(string what, IReadOnlyList<Throughput> rounds) => FormattableString.Invariant(
        $"| {what} | {Median(rounds):0} | {GpuClock.Median(rounds.Select(round => round.Cpu)):0.00} | {GpuClock.Median(rounds.Select(round => round.PerSecond * round.Cpu / 1000)):0.0} |");

    /// <summary>Clocks that run.</summary>
    internal readonly record struct Clock(long Started, TimeSpan Cpu)
    {
        /// <summary>Reads them.</summary>
        public Throughput Stop(int images) => new(
            images / Stopwatch.GetElapsedTime(Started).TotalSeconds, (Environment.CpuUsage.TotalTime - Cpu).TotalMilliseconds / images);
    }
}
