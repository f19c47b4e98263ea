namespace VlWorker.Failures;

/// <summary>The worker has as much of this kind in its hands as it takes: the item waits elsewhere for its turn, and nothing has failed.</summary>
internal sealed class BusyException(string detail) : Exception(detail);
