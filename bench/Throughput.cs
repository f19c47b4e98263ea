using System.Diagnostics;

namespace VlWorker.Bench;

/// <summary>What was done in a round, and what it took.</summary>
/// <param name="PerSecond">Items a second.</param>
/// <param name="Cpu">This process's processor time an item, milliseconds; system and user, all threads.</param>
/// <param name="Allocated">Managed memory that this process took for an item, KiB.</param>
internal readonly record struct Throughput(double PerSecond, double Cpu, double Allocated)
{
    /// <summary>Starts the clocks.</summary>
    public static Clock Start() => new(Stopwatch.GetTimestamp(), Environment.CpuUsage.TotalTime, GC.GetTotalAllocatedBytes());

    /// <summary>The middle round, figure by figure.</summary>
    public static Throughput Median(IReadOnlyList<Throughput> rounds) => new(
        Statistics.Median(rounds.Select(round => round.PerSecond)),
        Statistics.Median(rounds.Select(round => round.Cpu)),
        Statistics.Median(rounds.Select(round => round.Allocated)));

    /// <summary>Clocks that run.</summary>
    internal readonly record struct Clock(long Started, TimeSpan Cpu, long Allocated)
    {
        /// <summary>Reads them.</summary>
        public Throughput Stop(int count) => new(
            count / Stopwatch.GetElapsedTime(Started).TotalSeconds,
            (Environment.CpuUsage.TotalTime - Cpu).TotalMilliseconds / count,
            (GC.GetTotalAllocatedBytes() - Allocated) / 1024d / count);
    }
}
