namespace VlWorker.Security;

/// <summary>A secret in a file of its own, as Docker and Kubernetes mount them. Blanks and line ends around it don't count.</summary>
internal static class SecretFile
{
    /// <summary>Reads it.</summary>
    /// <exception cref="IOException">The file can't be read, or is empty. The message never holds the secret.</exception>
    public static string Read(string path)
    {
        try
        {
            var secret = File.ReadAllText(path).Trim();
            return secret.Length > 0 ? secret : throw new IOException($"{path} is empty");
        }
        catch (UnauthorizedAccessException error)
        {
            throw new IOException(error.Message, error);
        }
    }

    /// <summary>What is wrong with it; null if nothing is.</summary>
    public static string? Problem(string path)
    {
        try
        {
            _ = Read(path);
            return null;
        }
        catch (IOException error)
        {
            return error.Message;
        }
    }
}
