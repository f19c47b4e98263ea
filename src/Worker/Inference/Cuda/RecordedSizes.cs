namespace VlWorker.Inference.Cuda;

/// <summary>Sizes of batches that are recorded.</summary>
internal sealed class RecordedSizes
{
    private readonly SortedSet<int> _sizes = [];

    /// <summary>Adds one.</summary>
    public void Add(int size) => _sizes.Add(size);

    /// <summary>The smallest into which a batch fits; its own where there is none.</summary>
    public int Pad(int size)
    {
        var fitting = _sizes.GetViewBetween(size, int.MaxValue);
        return fitting.Count > 0 ? fitting.Min : size;
    }
}
