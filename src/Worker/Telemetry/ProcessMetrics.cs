using System.Reflection;
using Prometheus;

namespace VlWorker.Telemetry;

/// <summary>What the process is and uses: its version, processor time, memory, threads, garbage collections.</summary>
internal static class ProcessMetrics
{
    /// <summary>Registers them.</summary>
    public static void Register(CollectorRegistry registry)
    {
        DotNetStats.Register(registry);
        Metrics.WithCustomRegistry(registry).CreateGauge("vlworker_build_info", "1, with the worker's version.", ["version"]).WithLabels(Version()).Set(1);
    }

    /// <summary>The version without the hash of the commit: one value for each release.</summary>
    private static string Version() =>
        typeof(ProcessMetrics).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];
}
