using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace VlWorker.Batching.Steering;

/// <summary>Whether and how the size of batches follows what the device does.</summary>
internal sealed record SteeringOptions
{
    public static string Section => "Steering";

    [Description("Lowers and raises the rows of a batch and the batches in flight of each device, below MaxBatch and Streams, by the objective below and the GPU's utilisation. Off: they are what the settings say.")]
    public bool Enabled { get; init; }

    [Description("Time that 19 of 20 batches may take on a device, in milliseconds: the batch becomes as large as that allows.")]
    [Range(1d, 600_000d)]
    public double BatchTimeMs { get; init; } = 200;

    [Description("Utilisation of a GPU below which, while batches are full, more of them run at the same time before they become larger.")]
    [Range(0.1, 1d)]
    public double Utilization { get; init; } = 0.9;

    [Description("Hysteresis: nothing is raised if the time of a batch might come closer to BatchTimeMs than this share of it.")]
    [Range(0.02, 0.5)]
    public double Margin { get; init; } = 0.1;

    [Description("Pause between decisions, in milliseconds; a decision also waits for 20 batches.")]
    [Range(50d, 600_000d)]
    public double IntervalMs { get; init; } = 1_000;

    [Description("Time after which a size that turned out too large is tried again; it doubles, up to 64 times, where that keeps failing.")]
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan RetryAfter { get; init; } = TimeSpan.FromMinutes(5);
}
