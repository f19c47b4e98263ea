using System.Collections.Immutable;

namespace VlWorker.Telemetry.Gpu;

/// <summary>A GPU that the worker uses, as NVIDIA's management library knows it.</summary>
/// <param name="Name">The device's name in the settings.</param>
/// <param name="Uuid">Its unique id.</param>
/// <param name="Handle">The library's handle.</param>
internal sealed record MonitoredGpu(string Name, string Uuid, nint Handle);

/// <summary>Watches the worker's GPUs: their metrics are read at each scrape. Without NVIDIA's management library there are none.</summary>
internal sealed class GpuMonitor
{
    private readonly GpuMetrics _metrics;
    private readonly ILogger<GpuMonitor> _logger;
    private ImmutableArray<MonitoredGpu> _gpus = [];
    private Nvml? _nvml;

    public GpuMonitor(WorkerMetrics metrics, ILogger<GpuMonitor> logger)
    {
        (_metrics, _logger) = (new GpuMetrics(metrics.Registry), logger);
        metrics.Registry.AddBeforeCollectCallback(Show);
    }

    /// <summary>The GPUs that are watched.</summary>
    public IReadOnlyList<MonitoredGpu> Gpus => _gpus;

    /// <summary>Starts to watch GPUs. That it can't is said once, and is no failure.</summary>
    /// <param name="gpus">Names in the settings, and places on the bus where they are known.</param>
    /// <param name="library">NVIDIA's management library.</param>
    public void Open(IReadOnlyList<(string Name, string? PciBusId)> gpus, string library = Nvml.Library)
    {
        if (gpus.Count == 0)
            return;
        _nvml = Nvml.Open(library, out var problem);
        if (_nvml is null)
        {
            Log.GpuMetricsOff(_logger, problem!);
            return;
        }

        foreach (var (name, place) in gpus)
        {
            if (place is not null && _nvml.Find(place) is { } handle)
                _gpus = _gpus.Add(new MonitoredGpu(name, _nvml.Uuid(handle) ?? place, handle));
            else
                Log.GpuUnknown(_logger, name, place ?? "a place that the driver does not tell");
        }
    }

    /// <summary>Everything that a GPU tells now.</summary>
    public GpuReading Read(MonitoredGpu gpu) => _nvml!.Read(gpu.Handle);

    /// <summary>How busy a device is, 0 to 1; null if it is not watched, or does not tell.</summary>
    public double? Utilization(string device)
    {
        foreach (var gpu in _gpus)
        {
            if (gpu.Name == device)
                return _nvml!.Utilized(gpu.Handle);
        }

        return null;
    }

    private void Show()
    {
        foreach (var gpu in _gpus)
            _metrics.Show(gpu.Name, gpu.Uuid, Read(gpu));
    }
}
