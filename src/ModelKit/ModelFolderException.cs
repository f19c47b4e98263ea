namespace VlWorker.ModelKit;

/// <summary>A model folder can't be used. Says everything that is wrong with it at once.</summary>
/// <param name="folder">The folder.</param>
/// <param name="errors">What is wrong, each a sentence that names its file.</param>
public sealed class ModelFolderException(string folder, IReadOnlyList<string> errors)
    : Exception($"The model folder {folder} can't be used:{string.Concat(errors.Select(error => $"\n  - {error}"))}")
{
    /// <summary>The folder.</summary>
    public string Folder { get; } = folder;

    /// <summary>What is wrong, each a sentence that names its file.</summary>
    public IReadOnlyList<string> Errors { get; } = errors;
}
