using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using VlWorker.Inference.OnDemand;

namespace VlWorker.Inference;

/// <summary>The models of a worker, and what they run on.</summary>
internal sealed record InferenceOptions
{
    public static string Section => "Inference";

    [Description("The models to load. The first that can do a task does it by default.")]
    [Required]
    public IReadOnlyList<ModelOptions> Models { get; init; } =
    [
        new ModelOptions { Alias = "demo-captioner", Folder = "models/demo-captioner" },
        new ModelOptions { Alias = "demo-clip", Folder = "models/demo-clip" },
    ];

    [Description("Folder in which optimised models are kept; several workers may share it. Empty: vlworker/models in the user's cache directory.")]
    public string ModelCache { get; init; } = string.Empty;

    [Description("The devices to run them on, together (docs/gpu.md): each has its own copies of its models, and work goes where it finishes first.")]
    public IReadOnlyList<DeviceOptions> Devices { get; init; } = [new DeviceOptions { Name = "cpu" }];

    [Description("Lets the processor take over from a GPU that can't be used at start-up; without it, the worker does not start.")]
    public bool AllowCpuFallback { get; init; }

    [Description("Memory that the models loaded on demand may take on a device together, in bytes, as measured at the start: weights, and what the largest batches of all streams need. Of a GPU never more than what the models that stay leave free. 0: no other limit.")]
    [Range(0L, 1L << 44)]
    public long ModelMemoryBytes { get; init; }

    [Description("Time without a request after which a model that was loaded on demand is unloaded; zero keeps it until others need its memory.")]
    [Range(typeof(TimeSpan), "00:00:00", "7.00:00:00")]
    public TimeSpan ModelIdle { get; init; } = TimeSpan.FromMinutes(5);

    [Description("Time that a request waits for its model to be loaded at most; then a message goes to the wait queues, and REST answers 503.")]
    [Range(typeof(TimeSpan), "00:00:01", "00:25:00")]
    public TimeSpan ModelWait { get; init; } = TimeSpan.FromMinutes(1);

    [Description("Time that a model loaded on demand is served for before it makes room for another, or as long as loading it took if that is longer; a quarter of it once nothing is left to do.")]
    [Range(typeof(TimeSpan), "00:00:00", "00:10:00")]
    public TimeSpan ModelTurn { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Everything that is wrong with these settings together.</summary>
    public IEnumerable<string> Check() => [.. CheckModels(), .. CheckDevices()];

    /// <summary>Whether an entry of <see cref="Models"/> is for a device.</summary>
    public static bool Runs(ModelOptions model, DeviceName device) =>
        model.Devices.Count == 0 || model.Devices.Any(name => DeviceName.TryParse(name, out var named) && named == device);

    private IEnumerable<string> CheckModels()
    {
        if (Models.Count == 0)
            yield return "Models is empty: nothing could be described";
        foreach (var alias in Models.GroupBy(model => model.Alias, StringComparer.Ordinal).Where(group => group.Count() > 1))
        {
            foreach (var device in Names().Where(device => alias.Count(model => Runs(model, device)) > 1))
                yield return $"Models: two models are called '{alias.Key}' on {device}";
            if (alias.Select(model => model.Load).Distinct().Count() > 1)
                yield return $"Models: the entries of '{alias.Key}' differ in Load: its copies come and go together";
            if (alias.Select(model => model.MaxInFlight).Distinct().Count() > 1)
                yield return $"Models: the entries of '{alias.Key}' differ in MaxInFlight: it counts for all of them together";
        }

        foreach (var model in Models)
        {
            foreach (var name in model.Devices.Where(name => !DeviceName.TryParse(name, out var device) || !Names().Contains(device)))
                yield return $"Models: '{model.Alias}' names the device '{name}', which is not in Devices";
        }
    }

    private IEnumerable<string> CheckDevices()
    {
        if (Devices.Count == 0)
            yield return "Devices is empty: nothing could run";
        foreach (var device in Devices.Where(device => !DeviceName.TryParse(device.Name, out _)))
            yield return $"Devices: '{device.Name}' is no device: devices are called cpu, cuda:0, cuda:1, ...";
        foreach (var device in Names().GroupBy(device => device).Where(group => group.Count() > 1))
            yield return $"Devices: {device.Key} is there twice";
        foreach (var device in Names().Where(device => !Models.Any(model => Runs(model, device))))
            yield return $"Devices: {device} has no model to run";
    }

    private IEnumerable<DeviceName> Names() =>
        Devices.Select(device => DeviceName.TryParse(device.Name, out var name) ? name : (DeviceName?)null).OfType<DeviceName>();
}
