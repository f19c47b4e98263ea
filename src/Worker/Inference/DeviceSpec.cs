namespace VlWorker.Inference;

/// <summary>A device as models are loaded for it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Streams">Batches that will run on it at the same time.</param>
/// <param name="MaxBatch">Rows of a batch at most.</param>
internal sealed record DeviceSpec(DeviceName Name, int Streams, int MaxBatch)
{
    /// <summary>Bytes of a GPU's memory that the arena of one graph may take; 0 is no limit.</summary>
    public long ArenaBytes { get; init; }

    /// <summary>The processor. Engines there take any number of streams and rows.</summary>
    public static DeviceSpec Cpu { get; } = new(DeviceName.Cpu, Environment.ProcessorCount, int.MaxValue);
}
