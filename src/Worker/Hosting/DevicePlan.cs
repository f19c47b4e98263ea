using VlWorker.Batching;
using VlWorker.Inference;

namespace VlWorker.Hosting;

/// <summary>A device as it will be used.</summary>
/// <param name="Spec">Name and sizes.</param>
/// <param name="Models">The entries that it runs.</param>
internal sealed record PlannedDevice(DeviceSpec Spec, IReadOnlyList<ModelOptions> Models)
{
    /// <summary>Its name.</summary>
    public DeviceName Name => Spec.Name;
}

/// <summary>Resolves the list of devices: defaults, who runs what, and who takes over from a GPU that can't be used.</summary>
internal sealed class DevicePlan(InferenceOptions options, BatchingOptions batching)
{
    /// <summary>While one batch runs, the next one's memory is filled.</summary>
    private const int GpuStreams = 2;

    /// <summary>Cores that a processor beside a GPU leaves to what feeds the GPU.</summary>
    private const int CoresForGpu = 2;

    /// <summary>The devices as the settings say, whether they can be used or not.</summary>
    public IReadOnlyList<PlannedDevice> Configured() => [.. options.Devices.Select(Plan)];

    /// <summary>The devices that can be used.</summary>
    /// <param name="problem">Why a GPU can't be used; null if it can.</param>
    /// <param name="report">Told of a GPU whose models the processor takes over, and why.</param>
    /// <exception cref="StartupException">A GPU can't be used, and Inference:AllowCpuFallback is off.</exception>
    public IReadOnlyList<PlannedDevice> Resolve(Func<DeviceName, string?> problem, Action<DeviceName, string> report)
    {
        var all = Configured();
        var broken = all.Where(device => device.Name.Kind == DeviceKind.Cuda)
            .Select(device => (Device: device, Problem: problem(device.Name))).Where(entry => entry.Problem is not null).ToList();
        if (broken.Count == 0)
            return all;
        if (!options.AllowCpuFallback)
        {
            throw new StartupException([.. broken.Select(entry => $"{entry.Device.Name} can't be used: {entry.Problem}. "
                + "'vl-worker doctor' tells more; Inference:AllowCpuFallback=true lets the processor take over")]);
        }

        broken.ForEach(entry => report(entry.Device.Name, entry.Problem!));
        var working = all.Except(broken.Select(entry => entry.Device)).ToList();
        var place = working.FindIndex(device => device.Name.Kind == DeviceKind.Cpu);
        var cpu = place >= 0 ? working[place] : Plan(new DeviceOptions { Name = "cpu" }) with { Models = [] };

        // An alias that some working device serves already needs nobody to take over.
        var served = working.SelectMany(device => device.Models).Select(model => model.Alias).ToHashSet(StringComparer.Ordinal);
        var orphans = broken.SelectMany(entry => entry.Device.Models).Where(model => !served.Contains(model.Alias))
            .DistinctBy(model => model.Alias, StringComparer.Ordinal);
        cpu = cpu with { Models = [.. cpu.Models, .. orphans] };
        return place >= 0 ? [.. working[..place], cpu, .. working[(place + 1)..]] : cpu.Models.Count > 0 ? [.. working, cpu] : working;
    }

    private PlannedDevice Plan(DeviceOptions device)
    {
        var name = DeviceName.Parse(device.Name);
        var streams = device.Streams > 0 ? device.Streams : Streams(name);
        var spec = new DeviceSpec(name, streams, device.MaxBatch > 0 ? device.MaxBatch : batching.MaxBatch) { ArenaBytes = device.ArenaBytes };
        return new PlannedDevice(spec, [.. options.Models.Where(model => InferenceOptions.Runs(model, name))]);
    }

    private int Streams(DeviceName name)
    {
        if (name.Kind == DeviceKind.Cuda)
            return GpuStreams;
        var besideGpu = options.Devices.Any(other => other.Name.StartsWith("cuda", StringComparison.Ordinal));
        return besideGpu && batching.Streams == 0 ? Math.Max(1, batching.EffectiveStreams() - CoresForGpu) : batching.EffectiveStreams();
    }
}
