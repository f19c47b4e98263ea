namespace VlWorker.ModelKit.Downloads;

/// <summary>A file of a model repository.</summary>
/// <param name="Path">Its path there, with slashes; checked by <see cref="RepositoryPath"/>.</param>
/// <param name="Size">Bytes.</param>
/// <param name="Sha256">Of its content; null where only git knows the file.</param>
/// <param name="GitBlob">Git's name of its content, SHA-1; null where <paramref name="Sha256"/> is known, or nothing.</param>
internal sealed record RepositoryFile(string Path, long Size, string? Sha256, string? GitBlob);
