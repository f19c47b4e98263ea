using VlWorker.Failures;
using VlWorker.Inference.Engine;
using VlWorker.ModelKit;

namespace VlWorker.Inference.OnDemand;

/// <summary>What it means to a message that its model can't be loaded.</summary>
internal static class LoadFailure
{
    /// <summary>
    /// No memory is this moment's fault. Anything else (files gone, damaged or changed) is this worker's: every message that names the model would
    /// fail here, and other workers may have it.
    /// </summary>
    public static Exception Of(string alias, Exception error) => IsMemory(error)
        ? new TransientException($"there was no memory to load model '{alias}': {error.Message}", error)
        : new DependencyException(Dependency.Models, $"model '{alias}' can't be loaded: {Text(error)}", error);

    /// <summary>Whether it was for want of memory.</summary>
    public static bool IsMemory(Exception error) =>
        error is OutOfMemoryException or OutOfDeviceMemoryException || EngineFaults.Of(error.Message) == DeviceFault.OutOfMemory;

    private static string Text(Exception error) => error is ModelFolderException folder ? string.Join("; ", folder.Errors) : error.Message;
}
