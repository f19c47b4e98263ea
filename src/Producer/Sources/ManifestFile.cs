namespace VlWorker.Producer.Sources;

/// <summary>Opens manifests, and says in plain words why one can't be.</summary>
internal static class ManifestFile
{
    /// <summary>What is wrong with a garbled text.</summary>
    public const string Garbled = "it is not UTF-8";

    /// <summary>Whether a text holds what stands for bytes that are not UTF-8: the object would be another one.</summary>
    public static bool IsGarbled(string text) => text.Contains('\uFFFD', StringComparison.Ordinal);

    /// <summary>Opens a text file.</summary>
    /// <exception cref="ProducerException">It can't be read.</exception>
    public static StreamReader OpenText(string path) => new(Open(path));

    /// <summary>Opens a file.</summary>
    /// <exception cref="ProducerException">It can't be read.</exception>
    public static FileStream Open(string path)
    {
        try
        {
            return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, 64 << 10);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new ProducerException(ExitCode.Source, $"can't read the manifest {path}: {error.Message}", error);
        }
    }
}
