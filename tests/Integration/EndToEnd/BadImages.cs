using System.Buffers.Binary;
using VlWorker.Integration.Infrastructure;

namespace VlWorker.Integration.EndToEnd;

/// <summary>Images that are wrong on purpose.</summary>
internal static class BadImages
{
    /// <summary>A good JPEG of the samples.</summary>
    public static byte[] Jpeg { get; } = File.ReadAllBytes(Repository.At("samples", "0004.jpg"));

    /// <summary>A good JPEG whose header claims so many pixels; about 5 KB.</summary>
    public static byte[] JpegOf(ushort width, ushort height)
    {
        var bytes = Jpeg.AsSpan(0, Math.Min(Jpeg.Length, 5000)).ToArray();
        for (var at = 2; ;)
        {
            var (marker, length) = (bytes[at + 1], BinaryPrimitives.ReadUInt16BigEndian(bytes.AsSpan(at + 2)));
            if (marker is 0xC0 or 0xC2)
            {
                BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(at + 5), height);
                BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(at + 7), width);
                return bytes;
            }

            at += 2 + length;
        }
    }

    /// <summary>A PNG header that claims so many pixels, with a correct checksum and no data.</summary>
    public static byte[] PngOf(uint width, uint height)
    {
        var bytes = new byte[33];
        ((ReadOnlySpan<byte>)[0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0, 13, (byte)'I', (byte)'H', (byte)'D', (byte)'R']).CopyTo(bytes);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(16), width);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(20), height);
        ((ReadOnlySpan<byte>)[8, 2, 0, 0, 0]).CopyTo(bytes.AsSpan(24));
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(29), Crc(bytes.AsSpan(12, 17)));
        return bytes;
    }

    private static uint Crc(ReadOnlySpan<byte> bytes)
    {
        var crc = 0xFFFFFFFFu;
        foreach (var value in bytes)
        {
            crc ^= value;
            for (var bit = 0; bit < 8; bit++)
                crc = (crc >> 1) ^ (0xEDB88320u & (0u - (crc & 1)));
        }

        return ~crc;
    }
}
