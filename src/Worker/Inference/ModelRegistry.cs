namespace VlWorker.Inference;

/// <summary>The loaded models by alias. Owns them.</summary>
internal sealed class ModelRegistry(IReadOnlyList<IModel> models) : IDisposable
{
    private readonly Dictionary<string, IModel> _byAlias = models.ToDictionary(model => model.Reference.Alias, StringComparer.Ordinal);

    /// <summary>All models, in the order of the configuration.</summary>
    public IReadOnlyList<IModel> All { get; } = models;

    /// <summary>The model that embeds texts by default: the first that can.</summary>
    public IModel? DefaultForText { get; } = models.FirstOrDefault(model => model.EmbedsText);

    /// <summary>The model of that alias, or null.</summary>
    public IModel? Find(string alias) => _byAlias.GetValueOrDefault(alias);

    /// <summary>The model that does a task by default: the first in the configuration that can, or null.</summary>
    public IModel? DefaultFor(string task) => All.FirstOrDefault(model => model.Tasks.Contains(task, StringComparer.Ordinal));

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var model in All)
            model.Dispose();
    }
}
