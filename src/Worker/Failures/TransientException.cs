namespace VlWorker.Failures;

/// <summary>This item failed now and may succeed later, while others succeed: it waits in a retry queue and is dead-lettered in the end.</summary>
internal sealed class TransientException(string detail, Exception? inner = null) : Exception(detail, inner);
