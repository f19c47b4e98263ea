using System.Collections.Concurrent;

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

/// <summary>The last reading of every device: whoever reads devices sets it, the status page shows it.</summary>
internal sealed class DeviceReadings
{
    private readonly ConcurrentDictionary<string, DeviceStatus> _readings = new(StringComparer.Ordinal);

    /// <summary>Replaces the reading of a device.</summary>
    public void Set(DeviceStatus status) => _readings[status.Device] = status;

    /// <summary>The last reading of a device; null if there was none.</summary>
    public DeviceStatus? Find(string device) => _readings.GetValueOrDefault(device);
}
