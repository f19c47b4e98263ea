namespace VlWorker.Inference;

/// <summary>What was loaded for an alias on a device, for people who want to know.</summary>
/// <param name="Alias">The alias.</param>
/// <param name="Revision">See <see cref="Contracts.ModelReference.Revision"/>.</param>
/// <param name="Tasks">What it can do.</param>
/// <param name="Device">The device's name.</param>
/// <param name="Precision">Which of the folder's graphs run.</param>
/// <param name="Optimized">Whether they were rebuilt for the device.</param>
internal sealed record LoadedModel(string Alias, string Revision, IReadOnlyList<string> Tasks, string Device, string Precision, bool Optimized);
