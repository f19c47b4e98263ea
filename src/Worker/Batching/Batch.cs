using VlWorker.Inference;

namespace VlWorker.Batching;

/// <summary>Rows that a device runs together. The device settles every row.</summary>
/// <param name="Key">What the rows agree in.</param>
/// <param name="Rows">One to MaxBatch rows.</param>
/// <param name="Formed">Timestamp of <see cref="TimeProvider.GetTimestamp"/>.</param>
internal sealed record Batch(BatchKey Key, IReadOnlyList<BatchRow> Rows, long Formed);
