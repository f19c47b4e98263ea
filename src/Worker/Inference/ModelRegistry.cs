using VlWorker.Inference.OnDemand;

namespace VlWorker.Inference;

/// <summary>The models by alias, and the devices that hold copies of them. Owns the devices.</summary>
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

    /// <summary>The models that come and go; null if there are none. Owned by this.</summary>
    public ModelPool? Pool { get; init; }

    /// <summary>The models, by alias, of which there may be only so many requests in hand.</summary>
    public IReadOnlyDictionary<string, ModelShare> Shares { get; init; } = new Dictionary<string, ModelShare>();

    /// <summary>The model that embeds texts by default: the first that can.</summary>
    public IModel? DefaultForText { get; }

    /// <summary>The model of that alias, or null.</summary>
    public IModel? Find(string alias) => _byAlias.GetValueOrDefault(alias);

    /// <summary>The model that does a task by default: the first in the configuration that can, or null.</summary>
    public IModel? DefaultFor(string task) => All.FirstOrDefault(model => model.Tasks.Contains(task, StringComparer.Ordinal));

    /// <summary>Waits until a model can take a row, and keeps it until the result is disposed of. Held for nothing but the row's time in the batcher.</summary>
    /// <inheritdoc cref="ModelPool.AcquireAsync"/>
    public ValueTask<ModelLease> AcquireAsync(IModel model, DateTimeOffset? deadline, CancellationToken cancellation) =>
        Pool?.Find(model.Reference.Alias) is { } pooled ? new(Pool.AcquireAsync(pooled, deadline, cancellation)) : new(ModelLease.None);

    /// <summary>Lets a request in, before memory is taken for it: within the share of each of its models, and once the first of them is there.</summary>
    /// <remarks>Of several models, the others come when their rows do: not all may fit into memory together.</remarks>
    /// <returns>To be disposed of when the request is done.</returns>
    /// <exception cref="Failures.BusyException">There is no place for it.</exception>
    /// <inheritdoc cref="ModelPool.ExpectAsync"/>
    public async ValueTask<ModelLease> AdmitAsync(IReadOnlyList<IModel> models, DateTimeOffset? deadline, CancellationToken cancellation)
    {
        var leases = new List<ModelLease>();
        try
        {
            foreach (var alias in models.Select(model => model.Reference.Alias).Distinct(StringComparer.Ordinal))
            {
                if (Shares.TryGetValue(alias, out var share))
                    leases.Add(await share.EnterAsync(cancellation));
            }

            if (Pool?.Find(models[0].Reference.Alias) is { } pooled)
                leases.Add(await Pool.ExpectAsync(pooled, deadline, cancellation));
            return leases.Count == 0 ? ModelLease.None : new ModelLease(() => leases.ForEach(lease => lease.Dispose()));
        }
        catch
        {
            leases.ForEach(lease => lease.Dispose());
            throw;
        }
    }

    /// <inheritdoc cref="ModelPool.ProbeAsync"/>
    public Task ProbeAsync(CancellationToken cancellation) => Pool?.ProbeAsync(cancellation) ?? Task.CompletedTask;

    /// <summary>Where a model stands; null for one that always stays.</summary>
    public Residency? ResidencyOf(string alias) => Pool?.Find(alias) is { } pooled ? Pool.StateOf(pooled) : null;

    /// <inheritdoc/>
    public void Dispose()
    {
        Pool?.Dispose();
        foreach (var share in Shares.Values)
            share.Dispose();
        foreach (var device in Devices)
            device.Dispose();
    }
}
