namespace VlWorker.ModelKit;

/// <summary>A file that a model is made of.</summary>
/// <param name="Name">Path below the folder, with forward slashes.</param>
/// <param name="Bytes">Its size.</param>
public sealed record ModelFile(string Name, long Bytes);

/// <summary>What a folder holds, for a person.</summary>
/// <param name="Folder">The folder.</param>
/// <param name="Family">The family's name.</param>
/// <param name="Precision">The precision chosen.</param>
/// <param name="Available">The precisions that are there in full.</param>
/// <param name="Revision">SHA-256 over the files in use.</param>
/// <param name="Files">The files in use.</param>
public sealed record ModelSummary(
    string Folder,
    string Family,
    ModelPrecision Precision,
    IReadOnlyList<ModelPrecision> Available,
    string Revision,
    IReadOnlyList<ModelFile> Files);
