namespace VlWorker.Inference.Cuda;

/// <summary>How a model runs on a GPU.</summary>
/// <param name="Device">Which GPU.</param>
/// <param name="Lanes">Batches in flight, each with a stream, a copy of the weights and memory of its own.</param>
/// <param name="MaxBatch">Images of a batch at most.</param>
internal sealed record CudaSettings(int Device, int Lanes, int MaxBatch)
{
    /// <summary>Settings for a model's share of a GPU.</summary>
    public static CudaSettings For(DeviceSpec device) => new(device.Name.Index, device.Streams, device.MaxBatch) { ArenaLimit = device.ArenaBytes };

    /// <summary>
    /// Images that go through an encoder at a time, of batches of more: fewer stay in the second-level cache. 0: an embedder measures what is fastest
    /// at the start; a captioner takes 256 of 197 positions, fewer of more.
    /// </summary>
    public int EncoderChunk { get; init; }

    /// <summary>
    /// Whether one batch's kernels run at a time, while the next one's input is copied. Measured on an H200: at the same time is faster for captions
    /// (arithmetic of one batch beside memory traffic of another) and for narrow embedders, in turn by a hundredth for wide ones.
    /// </summary>
    public bool TakeTurns { get; init; }

    /// <summary>Whether products of 32-bit floats may be rounded to 19 bits.</summary>
    public bool Tf32 { get; init; }

    /// <summary>Whether graphs are recorded; without, each kernel is started by itself.</summary>
    public bool Record { get; init; } = true;

    /// <summary>Batch sizes that are recorded; empty takes a few between each power of two.</summary>
    public IReadOnlyList<int> RecordedBatches { get; init; } = [];

    /// <summary>Steps that are recorded, at most; later ones run kernel by kernel.</summary>
    public int RecordedSteps { get; init; } = 32;

    /// <summary>Bytes of memory that one session's arena may take; 0 is no limit.</summary>
    public long ArenaLimit { get; init; }
}
