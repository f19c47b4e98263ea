using System.Buffers.Binary;

namespace VlWorker.Demo;

/// <summary>Which files are taken for images: by name, or by their first bytes. The worker judges them; this only spares it text files.</summary>
internal static class ImageNames
{
    /// <summary>Bytes that <see cref="LooksLikeImage"/> wants.</summary>
    public const int HeaderLength = 18;

    private static readonly HashSet<string> Extensions = new(StringComparer.OrdinalIgnoreCase)
    {
        ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".webp", ".gif", ".bmp", ".dib",

        // Not read by the worker: it says so, for each.
        ".tif", ".tiff", ".heic", ".heif", ".avif", ".jxl", ".jp2", ".ico", ".svg", ".psd", ".tga",
        ".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".rw2", ".raf",
    };

    /// <summary>Whether the name says that it is an image.</summary>
    public static bool HasImageExtension(string name) => Extensions.Contains(Path.GetExtension(name));

    /// <summary>Whether a file that starts like this is an image of a common format.</summary>
    public static bool LooksLikeImage(ReadOnlySpan<byte> header) =>
        header.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xD8, 0xFF])
        || header.StartsWith((ReadOnlySpan<byte>)[0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A])
        || header.StartsWith("GIF87a"u8) || header.StartsWith("GIF89a"u8)
        || (header.StartsWith("RIFF"u8) && header.Length >= 12 && header[8..].StartsWith("WEBP"u8))
        || IsBitmap(header)
        || header.StartsWith("II*\0"u8) || header.StartsWith("MM\0*"u8)
        || IsHeif(header);

    /// <summary>"BM" alone starts many a text; the length of the second header decides.</summary>
    private static bool IsBitmap(ReadOnlySpan<byte> header) =>
        header.Length >= HeaderLength && header.StartsWith("BM"u8) && BinaryPrimitives.ReadUInt32LittleEndian(header[14..]) is >= 12 and <= 124;

    private static bool IsHeif(ReadOnlySpan<byte> header) => header.Length >= 12 && header[4..].StartsWith("ftyp"u8)
        && (header[8..].StartsWith("hei"u8) || header[8..].StartsWith("mif1"u8) || header[8..].StartsWith("avi"u8));
}
