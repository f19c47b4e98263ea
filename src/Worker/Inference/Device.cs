namespace VlWorker.Inference;

/// <summary>A device with its own copies of the models. Owns them.</summary>
/// <param name="name">Its name, which is its label among the metrics.</param>
/// <param name="streams">Batches that may run on it at the same time.</param>
/// <param name="maxBatch">Rows of a batch at most.</param>
/// <param name="models">The models that it runs, each alias once.</param>
internal sealed class Device(string name, int streams, int maxBatch, IReadOnlyList<IModel> models) : IDisposable
{
    private readonly Dictionary<string, IModel> _byAlias = models.ToDictionary(model => model.Reference.Alias, StringComparer.Ordinal);

    /// <summary>Its name.</summary>
    public string Name { get; } = name;

    /// <summary>Batches that may run on it at the same time.</summary>
    public int Streams { get; } = streams;

    /// <summary>Rows of a batch at most.</summary>
    public int MaxBatch { get; } = maxBatch;

    /// <summary>The models that it runs.</summary>
    public IReadOnlyList<IModel> Models { get; } = models;

    /// <summary>This device's copy of a model; null if it has none.</summary>
    public IModel? Find(string alias) => _byAlias.GetValueOrDefault(alias);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var model in Models)
            model.Dispose();
    }
}
