using Microsoft.Extensions.Configuration;
using VlWorker.Consuming;
using VlWorker.Decoding;
using VlWorker.Fetching;
using VlWorker.Hosting;
using VlWorker.Inference;
using VlWorker.Publishing;

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
            var reader = new OptionsReader(configuration);
            var readable = new WorkerOptions
            {
                Broker = reader.Read<BrokerOptions>(BrokerOptions.Section),
                Consuming = reader.Read<ConsumingOptions>(ConsumingOptions.Section),
                Publishing = reader.Read<PublishingOptions>(PublishingOptions.Section),
                Store = reader.Read<StoreOptions>(StoreOptions.Section),
                Fetching = reader.Read<FetchingOptions>(FetchingOptions.Section),
                Decoding = reader.Read<DecodingOptions>(DecodingOptions.Section),
                Inference = reader.Read<InferenceOptions>(InferenceOptions.Section),
            };
            return new DoctorSettings(readable, error.Errors);
        }
    }
}
