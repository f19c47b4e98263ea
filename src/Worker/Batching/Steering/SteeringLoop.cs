using VlWorker.Telemetry;

namespace VlWorker.Batching.Steering;

/// <summary>Decides for each device at a steady pace, while the worker runs.</summary>
/// <param name="options">Objective and pace.</param>
/// <param name="utilization">How busy a device is, 0 to 1, by its name; null if that is not known.</param>
/// <param name="time">The clock.</param>
/// <param name="metrics">Told of what may run at a time.</param>
/// <param name="logger">Told of every change.</param>
internal sealed class SteeringLoop(
    SteeringOptions options, Func<string, double?> utilization, TimeProvider time, WorkerMetrics metrics, ILogger<SteeringLoop> logger) : IDisposable
{
    private ITimer? _timer;

    /// <summary>Steers devices from now on.</summary>
    public void Start(IReadOnlyList<DeviceLoad> devices)
    {
        foreach (var device in devices)
            device.Steer(new DeviceSteering(options, device.Device.MaxBatch, device.Device.Streams, time));
        var interval = TimeSpan.FromMilliseconds(options.IntervalMs);
        _timer = time.CreateTimer(_ => Decide(devices), null, interval, interval);
    }

    /// <inheritdoc/>
    public void Dispose() => _timer?.Dispose();

    private void Decide(IReadOnlyList<DeviceLoad> devices)
    {
        foreach (var device in devices)
        {
            if (!device.Decide(utilization(device.Device.Name)))
                continue;
            metrics.InFlightLimit(device.Device.Name, device.InFlight);
            Log.Steered(logger, device.Device.Name, device.InFlight, string.Join(", ", device.Device.Models.Select(model => $"{model.Reference.Alias} {device.LowestLimit(model.Reference.Alias)}")));
        }
    }
}
