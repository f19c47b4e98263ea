using System.Diagnostics;
using System.Globalization;

namespace VlWorker.Bench;

/// <summary>How much of the machine others take while something is measured: what a quiet machine is, in a number.</summary>
internal sealed class OtherProcesses
{
    // USER_HZ of proc(5), on every Linux that .NET runs on.
    private const double TicksPerSecond = 100;

    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly double _before = Seconds();

    /// <summary>Share of all cores that other processes and the machine's host took since this was made; 0 where there is no /proc to tell.</summary>
    public double Share => Math.Max(0, Seconds() - _before) / (_clock.Elapsed.TotalSeconds * Environment.ProcessorCount);

    // user nice system idle iowait irq softirq steal, of all cores; those of this process taken off.
    private static double Seconds()
    {
        if (!File.Exists("/proc/stat"))
            return 0;
        var fields = File.ReadLines("/proc/stat").First().Split(' ', StringSplitOptions.RemoveEmptyEntries).Skip(1);
        double[] ticks = [.. fields.Select(field => double.Parse(field, CultureInfo.InvariantCulture))];
        return ((ticks[0] + ticks[1] + ticks[2] + ticks[5] + ticks[6] + ticks[7]) / TicksPerSecond) - Environment.CpuUsage.TotalTime.TotalSeconds;
    }
}
