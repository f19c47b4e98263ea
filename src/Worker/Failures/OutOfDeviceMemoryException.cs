namespace VlWorker.Failures;

/// <summary>A batch did not fit into the device's memory. Nothing of it was done; fewer rows may fit.</summary>
internal sealed class OutOfDeviceMemoryException(string detail, Exception? inner = null) : Exception(detail, inner);
