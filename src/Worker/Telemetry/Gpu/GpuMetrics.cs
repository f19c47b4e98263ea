using Prometheus;

namespace VlWorker.Telemetry.Gpu;

/// <summary>A GPU's readings as metrics. What a GPU does not support has no series.</summary>
internal sealed class GpuMetrics
{
    private static readonly (string Name, Throttling Bits)[] Reasons =
    [
        ("power-cap", Throttling.PowerCap),
        ("hardware-slowdown", Throttling.HardwareSlowdown),
        ("thermal", Throttling.SoftwareThermal | Throttling.HardwareThermal),
        ("power-brake", Throttling.PowerBrake),
    ];

    private readonly List<(Gauge Gauge, Func<GpuReading, double?> Of)> _gauges = [];
    private readonly Gauge _throttled;
    private readonly Counter _energy;
    private readonly Counter _errors;

    public GpuMetrics(CollectorRegistry registry)
    {
        var factory = Metrics.WithCustomRegistry(registry);
        void Add(string name, string help, Func<GpuReading, double?> of) => _gauges.Add((factory.CreateGauge(name, help, ["gpu", "uuid"]), of));
        Add("vlworker_gpu_utilization_ratio", "Share of the last moments in which a kernel ran.", reading => reading.Utilization);
        Add("vlworker_gpu_memory_used_bytes", "Memory in use, by all processes.", reading => reading.MemoryUsed);
        Add("vlworker_gpu_memory_bytes", "Memory in all.", reading => reading.MemoryTotal);
        Add("vlworker_gpu_power_watts", "Power drawn.", reading => reading.PowerWatts);
        Add("vlworker_gpu_power_limit_watts", "Power that may be drawn.", reading => reading.PowerLimitWatts);
        Add("vlworker_gpu_temperature_celsius", "Temperature of the chip.", reading => reading.TemperatureCelsius);
        Add("vlworker_gpu_clock_hertz", "Clock of the multiprocessors.", reading => reading.ClockHertz);
        _throttled = factory.CreateGauge("vlworker_gpu_throttled", "1 while the GPU is slowed down for this reason.", ["gpu", "uuid", "reason"]);
        _energy = factory.CreateCounter("vlworker_gpu_energy_joules_total", "Energy used since the driver was loaded.", ["gpu", "uuid"]);
        _errors = factory.CreateCounter("vlworker_gpu_ecc_errors_total", "Memory errors since the driver was loaded.", ["gpu", "uuid", "kind"]);
    }

    /// <summary>Shows a reading.</summary>
    /// <param name="gpu">The device's name in the settings.</param>
    /// <param name="uuid">The GPU's unique id.</param>
    /// <param name="reading">What it said.</param>
    public void Show(string gpu, string uuid, GpuReading reading)
    {
        foreach (var (gauge, of) in _gauges)
        {
            if (of(reading) is { } value)
                gauge.WithLabels(gpu, uuid).Set(value);
            else
                gauge.RemoveLabelled(gpu, uuid);
        }

        foreach (var (name, bits) in Reasons)
        {
            if (reading.Throttling is { } active)
                _throttled.WithLabels(gpu, uuid, name).Set((active & bits) != 0 ? 1 : 0);
        }

        if (reading.EnergyJoules is { } energy)
            _energy.WithLabels(gpu, uuid).IncTo(energy);
        if (reading.CorrectedErrors is { } corrected)
            _errors.WithLabels(gpu, uuid, "corrected").IncTo(corrected);
        if (reading.UncorrectedErrors is { } uncorrected)
            _errors.WithLabels(gpu, uuid, "uncorrected").IncTo(uncorrected);
    }
}
