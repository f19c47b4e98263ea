namespace VlWorker.Failures;

/// <summary>The device answers with errors and will go on to (a broken CUDA context, a card off the bus): only a new process gets it back.</summary>
internal sealed class DeviceLostException(string detail, Exception? inner = null) : Exception(detail, inner);
