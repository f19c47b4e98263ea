using VlWorker.Telemetry.Gpu;

namespace VlWorker.Telemetry;

/// <summary>What a device says of itself; what is null, it does not say.</summary>
/// <param name="Device">The device's name.</param>
internal sealed record DeviceStatus(string Device)
{
    /// <summary>Share of the time in which it was busy, 0 to 100.</summary>
    public double? UtilizationPercent { get; init; }

    /// <summary>Memory in use, by whomever, in bytes.</summary>
    public long? MemoryUsedBytes { get; init; }

    /// <summary>Memory that it has, in bytes.</summary>
    public long? MemoryTotalBytes { get; init; }

    /// <summary>Power that it draws, in watts.</summary>
    public double? PowerWatts { get; init; }

    /// <summary>Its temperature, in degrees Celsius.</summary>
    public double? TemperatureCelsius { get; init; }
}

/// <summary>What the worker's devices say of themselves, for the status page.</summary>
internal sealed class DeviceReadings(GpuMonitor gpus)
{
    /// <summary>A device's reading now; null if it does not tell anything.</summary>
    public DeviceStatus? Find(string device) => gpus.Gpus.FirstOrDefault(gpu => gpu.Name == device) is { } gpu ? Of(device, gpus.Read(gpu)) : null;

    private static DeviceStatus Of(string device, GpuReading reading) => new(device)
    {
        UtilizationPercent = reading.Utilization * 100,
        MemoryUsedBytes = reading.MemoryUsed,
        MemoryTotalBytes = reading.MemoryTotal,
        PowerWatts = reading.PowerWatts,
        TemperatureCelsius = reading.TemperatureCelsius,
    };
}
