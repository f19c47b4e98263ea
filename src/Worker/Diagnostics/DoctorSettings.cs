using Microsoft.Extensions.Configuration;
using VlWorker.Hosting;
using VlWorker.Inference;

namespace VlWorker.Diagnostics;

/// <summary>The settings that checks look at, read as far as they can be read.</summary>
/// <param name="Options">All that could be read; defaults for the rest.</param>
/// <param name="Errors">What is wrong with all settings.</param>
internal sealed record DoctorSettings(WorkerOptions Options, IReadOnlyList<string> Errors)
{
    /// <summary>Models and devices.</summary>
    public InferenceOptions Inference => Options.Inference;

    /// <summary>The GPUs that the settings name.</summary>
    public IReadOnlyList<DeviceName> Gpus =>
    [
        .. Inference.Devices.Select(device => DeviceName.TryParse(device.Name, out var name) ? name : default)
            .Where(name => name.Kind == DeviceKind.Cuda).Distinct(),
    ];

    /// <summary>Reads the settings.</summary>
    public static DoctorSettings Read(IConfiguration configuration)
    {
        try
        {
            return new DoctorSettings(WorkerOptions.Read(configuration), []);
        }
        catch (StartupException error)
        {
            return new DoctorSettings(WorkerOptions.ReadSections(new OptionsReader(configuration)), error.Errors);
        }
    }
}
