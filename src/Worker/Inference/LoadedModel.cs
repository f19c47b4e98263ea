namespace VlWorker.Inference;

/// <summary>What runs for an alias on a device, now or once it is loaded, for people who want to know.</summary>
/// <param name="Alias">The alias.</param>
/// <param name="Revision">See <see cref="Contracts.ModelReference.Revision"/>.</param>
/// <param name="Tasks">What it can do.</param>
/// <param name="Device">The device's name.</param>
/// <param name="Precision">Which of the folder's graphs run.</param>
/// <param name="Optimized">Whether they were rebuilt for the device.</param>
/// <param name="Bytes">Memory that it takes while it is loaded; null where it is loaded at the start, and not measured.</param>
internal sealed record LoadedModel(
    string Alias, string Revision, IReadOnlyList<string> Tasks, string Device, string Precision, bool Optimized, long? Bytes = null);
