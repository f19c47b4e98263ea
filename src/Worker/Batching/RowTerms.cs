namespace VlWorker.Batching;

/// <summary>What a row asks of the batcher.</summary>
/// <param name="Priority">Who goes first.</param>
/// <param name="Deadline">Rejected as expired if no batch has taken it by then; null: it may wait.</param>
/// <param name="Job">The job that it belongs to: within backfill, jobs take turns. Rows without one are a job of their own.</param>
internal readonly record struct RowTerms(BatchPriority Priority, DateTimeOffset? Deadline = null, string? Job = null);
