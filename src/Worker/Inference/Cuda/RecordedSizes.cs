namespace VlWorker.Inference.Cuda;

/// <summary>Sizes of batches that are recorded.</summary>
internal static class RecordedSizes
{
    /// <summary>The smallest into which a batch fits; its own where there is none.</summary>
    public static int Pad(IEnumerable<int> recorded, int size) => recorded.Where(fitting => fitting >= size).DefaultIfEmpty(size).Min();
}
