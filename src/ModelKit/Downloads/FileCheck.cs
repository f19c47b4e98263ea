using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace VlWorker.ModelKit.Downloads;

/// <summary>Compares a file on the disk with what it must be.</summary>
internal static class FileCheck
{
    private const int ChunkBytes = 1 << 18;

    /// <summary>Reads the file once.</summary>
    /// <returns>What is wrong with it; null if nothing is.</returns>
    public static async Task<string?> FindFaultAsync(string path, RepositoryFile file, CancellationToken cancellation)
    {
        await using var stream = Open(path);
        if (stream.Length != file.Size)
            return string.Create(CultureInfo.InvariantCulture, $"it has {stream.Length} bytes, not {file.Size}");
        if (file.Sha256 is { } sha256)
        {
            var found = await HashAsync(stream, HashAlgorithmName.SHA256, [], cancellation).ConfigureAwait(false);
            if (found != sha256)
                return $"its sha256 is {found}, not {sha256}";
        }

        stream.Position = 0;
        if (file.GitBlob is { } blob)
        {
            var prefix = Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"blob {file.Size}\0"));
            var name = await HashAsync(stream, HashAlgorithmName.SHA1, prefix, cancellation).ConfigureAwait(false);
            if (name != blob)
                return $"git would name it {name}, not {blob}";
        }

        return null;
    }

    /// <summary>The sha256 of a file, lower case.</summary>
    public static async Task<string> Sha256Async(string path, CancellationToken cancellation)
    {
        await using var stream = Open(path);
        return await HashAsync(stream, HashAlgorithmName.SHA256, [], cancellation).ConfigureAwait(false);
    }

    private static FileStream Open(string path) =>
        new(path, FileMode.Open, FileAccess.Read, FileShare.Read, 0, FileOptions.Asynchronous | FileOptions.SequentialScan);

    private static async Task<string> HashAsync(FileStream stream, HashAlgorithmName algorithm, byte[] prefix, CancellationToken cancellation)
    {
        using var hash = IncrementalHash.CreateHash(algorithm);
        hash.AppendData(prefix);
        var chunk = new byte[ChunkBytes];
        for (int read; (read = await stream.ReadAsync(chunk, cancellation).ConfigureAwait(false)) > 0;)
            hash.AppendData(chunk, 0, read);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
