namespace VlWorker.Inference;

/// <summary>The loaded models by alias, and the devices that hold copies of them. Owns the devices.</summary>
internal sealed class ModelRegistry : IDisposable
{
    private readonly Dictionary<string, IModel> _byAlias;

    /// <summary>Takes over devices.</summary>
    /// <param name="devices">The devices.</param>
    /// <param name="order">Aliases in the order of the configuration, which decides what is the default; without it, the devices' own order.</param>
    public ModelRegistry(IReadOnlyList<Device> devices, IReadOnlyList<string>? order = null)
    {
        Devices = devices;
        var copies = devices.SelectMany(device => device.Models).ToLookup(model => model.Reference.Alias, StringComparer.Ordinal);
        // Any copy can plan a request: they differ in the device alone.
        var aliases = order ?? [.. copies.Select(group => group.Key)];
        All = [.. aliases.Distinct(StringComparer.Ordinal).Where(copies.Contains).Select(alias => copies[alias].First())];
        _byAlias = All.ToDictionary(model => model.Reference.Alias, StringComparer.Ordinal);
        DefaultForText = All.FirstOrDefault(model => model.EmbedsText);
    }

    /// <summary>The devices, in the order of the configuration.</summary>
    public IReadOnlyList<Device> Devices { get; }

    /// <summary>All models, in the order of the configuration.</summary>
    public IReadOnlyList<IModel> All { get; }

    /// <summary>What was loaded, a line for each model on each device; empty where nobody told.</summary>
    public IReadOnlyList<LoadedModel> Loaded { get; init; } = [];

    /// <summary>The model that embeds texts by default: the first that can.</summary>
    public IModel? DefaultForText { get; }

    /// <summary>The model of that alias, or null.</summary>
    public IModel? Find(string alias) => _byAlias.GetValueOrDefault(alias);

    /// <summary>The model that does a task by default: the first in the configuration that can, or null.</summary>
    public IModel? DefaultFor(string task) => All.FirstOrDefault(model => model.Tasks.Contains(task, StringComparer.Ordinal));

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var device in Devices)
            device.Dispose();
    }
}
