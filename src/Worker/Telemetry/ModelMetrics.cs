using Prometheus;

namespace VlWorker.Telemetry;

/// <summary>The metrics of models that come and go; docs/metrics.md explains each.</summary>
internal sealed class ModelMetrics
{
    /// <summary>A model was unloaded since another needed its memory.</summary>
    public const string Memory = "memory";

    /// <summary>A model was unloaded since nobody had needed it for long.</summary>
    public const string Idle = "idle";

    private readonly Gauge _loaded;
    private readonly Gauge _bytes;
    private readonly Counter _loads;
    private readonly Counter _unloads;
    private readonly Counter _failures;
    private readonly Gauge _waiting;
    private readonly Histogram _wait;

    /// <param name="factory">Where they are registered.</param>
    public ModelMetrics(MetricFactory factory)
    {
        _loaded = factory.CreateGauge("vlworker_model_loaded", "1 while the model is in memory, 0 while it is not.", ["model", "device"]);
        _bytes = factory.CreateGauge(
            "vlworker_model_bytes", "Memory of a model that is loaded on demand, as measured at the start; 0 while it is not loaded.", ["model", "device"]);
        _loads = factory.CreateCounter("vlworker_model_loads_total", "Loads on demand.", ["model"]);
        _unloads = factory.CreateCounter("vlworker_model_unloads_total", $"Unloads, by reason: {Memory} or {Idle}.", ["model", "reason"]);
        _failures = factory.CreateCounter("vlworker_model_load_failures_total", "Loads on demand that failed.", ["model"]);
        _waiting = factory.CreateGauge("vlworker_model_waiting_requests", "Requests that wait for the model to be loaded.", ["model"]);
        _wait = factory.CreateHistogram(
            "vlworker_model_wait_seconds",
            "Time that a request waited for its model, where it had to.",
            ["model"],
            new HistogramConfiguration { Buckets = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300] });
    }

    /// <summary>A device's copy is there.</summary>
    /// <param name="model">The model's alias.</param>
    /// <param name="device">The device.</param>
    /// <param name="bytes">What it takes; null where that was not measured.</param>
    public void Loaded(string model, string device, long? bytes = null)
    {
        _loaded.WithLabels(model, device).Set(1);
        if (bytes is { } measured)
            _bytes.WithLabels(model, device).Set(measured);
    }

    /// <summary>A device's copy is not there.</summary>
    public void Unloaded(string model, string device)
    {
        _loaded.WithLabels(model, device).Set(0);
        _bytes.WithLabels(model, device).Set(0);
    }

    /// <summary>Shows a model's counts from zero on.</summary>
    public void Announce(string model)
    {
        _ = _loads.WithLabels(model);
        _ = _failures.WithLabels(model);
        _ = _unloads.WithLabels(model, Memory);
        _ = _unloads.WithLabels(model, Idle);
        _waiting.WithLabels(model).Set(0);
    }

    /// <summary>Counts a load on demand.</summary>
    public void CountLoad(string model) => _loads.WithLabels(model).Inc();

    /// <summary>Counts an unload.</summary>
    public void CountUnload(string model, string reason) => _unloads.WithLabels(model, reason).Inc();

    /// <summary>Counts a load that failed.</summary>
    public void LoadFailed(string model) => _failures.WithLabels(model).Inc();

    /// <summary>Somebody waits for the model.</summary>
    public void Waiting(string model) => _waiting.WithLabels(model).Inc();

    /// <summary>Somebody waits no longer.</summary>
    public void Waited(string model, TimeSpan time)
    {
        _waiting.WithLabels(model).Dec();
        _wait.WithLabels(model).Observe(time.TotalSeconds);
    }
}
