using System.Buffers.Binary;

namespace VlWorker.Decoding.Headers;

/// <summary>Reads the one EXIF tag that matters here.</summary>
internal static class Exif
{
    private const ushort OrientationTag = 0x0112;
    private const ushort ShortType = 3;
    private const ushort LongType = 4;
    private const int EntryBytes = 12;

    /// <summary>Finds the orientation in a TIFF structure; damaged or absent metadata means upright, since the pixels are still good.</summary>
    public static Orientation ReadOrientation(ReadOnlySpan<byte> tiff)
    {
        if (tiff.StartsWith("Exif\0\0"u8))
            tiff = tiff[6..];
        if (tiff.Length < 8)
            return default;
        var little = tiff.StartsWith("II"u8);
        if (!little && !tiff.StartsWith("MM"u8))
            return default;
        var directory = UInt32(tiff[4..], little);
        if (directory > tiff.Length - 2)
            return default;
        var entries = tiff[(int)directory..];
        var count = UInt16(entries, little);
        entries = entries[2..];
        for (var i = 0; i < count && entries.Length >= EntryBytes; i++, entries = entries[EntryBytes..])
        {
            if (UInt16(entries, little) != OrientationTag)
                continue;
            return UInt16(entries[2..], little) switch
            {
                ShortType => Orientation.FromExif(UInt16(entries[8..], little)),
                LongType => Orientation.FromExif((int)Math.Min(9, UInt32(entries[8..], little))),
                _ => default,
            };
        }

        return default;
    }

    private static ushort UInt16(ReadOnlySpan<byte> bytes, bool little) =>
        little ? BinaryPrimitives.ReadUInt16LittleEndian(bytes) : BinaryPrimitives.ReadUInt16BigEndian(bytes);

    private static uint UInt32(ReadOnlySpan<byte> bytes, bool little) =>
        little ? BinaryPrimitives.ReadUInt32LittleEndian(bytes) : BinaryPrimitives.ReadUInt32BigEndian(bytes);
}
