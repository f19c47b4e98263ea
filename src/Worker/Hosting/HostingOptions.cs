using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace VlWorker.Hosting;

/// <summary>Start and stop of the process.</summary>
internal sealed record HostingOptions
{
    public static string Section => "Hosting";

    [Description("Time from the signal to stop until the process ends at the latest, in seconds; set Kubernetes' terminationGracePeriodSeconds above it.")]
    [Range(1d, 3600d)]
    public double ShutdownSeconds { get; init; } = 40;

    [Description("Form of log lines. Auto: text in a terminal, elsewhere JSON, one object a line, with the ids of message, job and trace.")]
    public LogFormat LogFormat { get; init; }
}
