using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace VlWorker.ModelKit;

/// <summary>One SHA-256 over several files of a folder.</summary>
internal static class FilesHash
{
    private const int Chunk = 1 << 18;

    /// <summary>
    /// For each file, in the order given, the name's length (32 bits, big endian) and UTF-8 bytes, then the content's length (64 bits) and bytes.
    /// </summary>
    /// <returns>64 lower-case hexadecimal digits.</returns>
    public static string Compute(string folder, IEnumerable<string> names)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var chunk = ArrayPool<byte>.Shared.Rent(Chunk);
        try
        {
            foreach (var name in names)
                Append(hash, folder, name, chunk);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(chunk);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static void Append(IncrementalHash hash, string folder, string name, byte[] chunk)
    {
        Span<byte> length = stackalloc byte[8];
        var text = Encoding.UTF8.GetBytes(name);
        BinaryPrimitives.WriteInt32BigEndian(length, text.Length);
        hash.AppendData(length[..4]);
        hash.AppendData(text);
        using var stream = new FileStream(Path.Combine(folder, name), FileMode.Open, FileAccess.Read, FileShare.Read, 0, FileOptions.SequentialScan);
        BinaryPrimitives.WriteInt64BigEndian(length, stream.Length);
        hash.AppendData(length);
        for (int read; (read = stream.Read(chunk, 0, Chunk)) > 0;)
            hash.AppendData(chunk, 0, read);
    }
}
