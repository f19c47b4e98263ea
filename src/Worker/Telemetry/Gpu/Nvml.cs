using System.Runtime.InteropServices;
using System.Text;

namespace VlWorker.Telemetry.Gpu;

/// <summary>NVIDIA's management library (nvml.h), as far as it is used: what the driver knows of a GPU's work and health.</summary>
/// <remarks>Part of the driver, not of CUDA. It counts all GPUs of the machine, whatever CUDA_VISIBLE_DEVICES says: ask for one by its place on the bus.</remarks>
internal sealed unsafe class Nvml
{
    /// <summary>The file that the driver installs.</summary>
    public const string Library = "libnvidia-ml.so.1";

    private const int LongestText = 96;
    private readonly nint _library;

    private Nvml(nint library) => _library = library;

    /// <summary>Loads and initialises the library.</summary>
    /// <param name="library">Its name or path.</param>
    /// <param name="problem">Why it can't be used; null if it can.</param>
    /// <returns>Null if it can't be used.</returns>
    public static Nvml? Open(string library, out string? problem)
    {
        problem = null;
        if (!NativeLibrary.TryLoad(library, out var handle))
            problem = $"{library} is not found";
        else if (!NativeLibrary.TryGetExport(handle, "nvmlInit_v2", out var init))
            problem = $"{library} has no nvmlInit_v2";
        else if (((delegate* unmanaged<int>)init)() is var result and not 0)
            problem = $"{library} refuses to start with error {result}";
        return problem is null ? new Nvml(handle) : null;
    }

    /// <summary>The GPU at a place on the bus, domain:bus:device.function in hexadecimal digits; null if there is none.</summary>
    public nint? Find(string pciBusId)
    {
        var text = Encoding.ASCII.GetBytes(pciBusId + '\0');
        nint device;
        fixed (byte* pointer = text)
        {
            return Export("nvmlDeviceGetHandleByPciBusId_v2") is var find and not 0 && ((delegate* unmanaged<byte*, nint*, int>)find)(pointer, &device) == 0
                ? device
                : null;
        }
    }

    /// <summary>A GPU's unique id; null if the library does not tell.</summary>
    public string? Uuid(nint device)
    {
        var text = stackalloc byte[LongestText];
        return Export("nvmlDeviceGetUUID") is var ask and not 0 && ((delegate* unmanaged<nint, byte*, uint, int>)ask)(device, text, LongestText) == 0
            ? Marshal.PtrToStringUTF8((nint)text)
            : null;
    }

    /// <summary>Everything that a GPU tells now. What it does not support is null.</summary>
    public GpuReading Read(nint device)
    {
        var utilization = Ask<Utilization>("nvmlDeviceGetUtilizationRates", device);
        var memory = Ask<Memory>("nvmlDeviceGetMemoryInfo", device);
        return new GpuReading
        {
            Utilization = utilization?.Gpu / 100d,
            MemoryUsed = (long?)memory?.Used,
            MemoryTotal = (long?)memory?.Total,
            PowerWatts = Ask<uint>("nvmlDeviceGetPowerUsage", device) / 1000d,
            PowerLimitWatts = Ask<uint>("nvmlDeviceGetEnforcedPowerLimit", device) / 1000d,
            EnergyJoules = Ask<ulong>("nvmlDeviceGetTotalEnergyConsumption", device) / 1000d,
            TemperatureCelsius = Ask<uint>("nvmlDeviceGetTemperature", device, (uint)Sensor.Gpu),
            ClockHertz = Ask<uint>("nvmlDeviceGetClockInfo", device, (uint)ClockType.Multiprocessors) * 1e6,
            Throttling = (Throttling?)(Ask<ulong>("nvmlDeviceGetCurrentClocksEventReasons", device) ?? Ask<ulong>("nvmlDeviceGetCurrentClocksThrottleReasons", device)),
            CorrectedErrors = (long?)Ask<ulong>("nvmlDeviceGetTotalEccErrors", device, (uint)EccError.Corrected, (uint)EccCounter.SinceDriverStart),
            UncorrectedErrors = (long?)Ask<ulong>("nvmlDeviceGetTotalEccErrors", device, (uint)EccError.Uncorrected, (uint)EccCounter.SinceDriverStart),
        };
    }

    /// <summary>The share of the last moments (between a sixth of a second and a second, by model) in which a kernel ran; null if not supported.</summary>
    public double? Utilized(nint device) => Ask<Utilization>("nvmlDeviceGetUtilizationRates", device)?.Gpu / 100d;

    private nint Export(string function) => NativeLibrary.TryGetExport(_library, function, out var address) ? address : 0;

    private T? Ask<T>(string function, nint device)
        where T : unmanaged
    {
        T value;
        return Export(function) is var ask and not 0 && ((delegate* unmanaged<nint, T*, int>)ask)(device, &value) == 0 ? value : null;
    }

    private T? Ask<T>(string function, nint device, uint which)
        where T : unmanaged
    {
        T value;
        return Export(function) is var ask and not 0 && ((delegate* unmanaged<nint, uint, T*, int>)ask)(device, which, &value) == 0 ? value : null;
    }

    private T? Ask<T>(string function, nint device, uint which, uint kind)
        where T : unmanaged
    {
        T value;
        return Export(function) is var ask and not 0 && ((delegate* unmanaged<nint, uint, uint, T*, int>)ask)(device, which, kind, &value) == 0 ? value : null;
    }

    private enum Sensor : uint
    {
        Gpu = 0,
    }

    private enum ClockType : uint
    {
        Multiprocessors = 1,
    }

    private enum EccError : uint
    {
        Corrected = 0,
        Uncorrected = 1,
    }

    private enum EccCounter : uint
    {
        SinceDriverStart = 0,
    }

    /// <summary>nvmlUtilization_t, in percent.</summary>
    private readonly record struct Utilization(uint Gpu, uint Memory);

    /// <summary>nvmlMemory_t, in bytes.</summary>
    private readonly record struct Memory(ulong Total, ulong Free, ulong Used);
}
