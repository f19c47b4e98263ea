using System.Text;
using System.Text.Unicode;

namespace VlWorker.Producer.Sources;

/// <summary>Opens manifests, and says in plain words why one can't be.</summary>
internal static class ManifestFile
{
    /// <summary>What is wrong with a garbled text.</summary>
    public const string Garbled = "it is not UTF-8";

    /// <summary>The text of bytes; null if they are not UTF-8: with something in place of the wrong bytes the object would be another one.</summary>
    public static string? Text(ReadOnlySpan<byte> bytes) =>
        Utf8.IsValid(bytes) ? Encoding.UTF8.GetString(bytes) : null;

    /// <summary>Opens a text file: UTF-8, or UTF-16 where a byte order mark says so.</summary>
    /// <exception cref="ProducerException">It can't be read.</exception>
    public static ManifestLines OpenLines(string path)
    {
        var file = Open(path);
        return new ManifestLines(IsUtf16(file) is { } bigEndian
            ? Encoding.CreateTranscodingStream(file, new UnicodeEncoding(bigEndian, byteOrderMark: true, throwOnInvalidBytes: true), Encoding.UTF8)
            : file, path);
    }

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
            throw new ProducerException(ExitCode.Source, $"can't read {path}: {error.Message}", error);
        }
    }

    /// <summary>Whether its UTF-16 is big-endian; null for anything else.</summary>
    private static bool? IsUtf16(FileStream file)
    {
        if (!file.CanSeek)
            return null;
        Span<byte> mark = stackalloc byte[2];
        var read = file.ReadAtLeast(mark, mark.Length, throwOnEndOfStream: false);
        file.Position = 0;
        return read < mark.Length ? null : mark switch
        {
            [0xFE, 0xFF] => true,
            [0xFF, 0xFE] => false,
            _ => null,
        };
    }
}
