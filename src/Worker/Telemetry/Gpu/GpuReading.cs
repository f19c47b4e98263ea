namespace VlWorker.Telemetry.Gpu;

/// <summary>Why a GPU runs slower than it might; the bits of nvml.h's nvmlClocksEventReason constants.</summary>
[Flags]
internal enum Throttling : ulong
{
    None = 0,
    PowerCap = 0x4,
    HardwareSlowdown = 0x8,
    SoftwareThermal = 0x20,
    HardwareThermal = 0x40,
    PowerBrake = 0x80,
}

/// <summary>What a GPU said at one moment. What it does not support is null.</summary>
internal sealed record GpuReading
{
    /// <summary>Share of the last moments in which a kernel ran, 0 to 1. One small kernel at a time counts as full use.</summary>
    public double? Utilization { get; init; }

    /// <summary>Bytes in use, by all processes and the driver.</summary>
    public long? MemoryUsed { get; init; }

    /// <summary>Bytes in all.</summary>
    public long? MemoryTotal { get; init; }

    public double? PowerWatts { get; init; }

    public double? PowerLimitWatts { get; init; }

    /// <summary>Since the driver was loaded.</summary>
    public double? EnergyJoules { get; init; }

    public double? TemperatureCelsius { get; init; }

    /// <summary>Clock of the multiprocessors.</summary>
    public double? ClockHertz { get; init; }

    public Throttling? Throttling { get; init; }

    /// <summary>Memory errors since the driver was loaded that ECC has mended.</summary>
    public long? CorrectedErrors { get; init; }

    /// <summary>Memory errors since the driver was loaded that it could not mend.</summary>
    public long? UncorrectedErrors { get; init; }
}
