using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace VlWorker.Producer.Jobs;

/// <summary>Entity tags in few bytes: an MD5 in 16, one of an object in parts in 18, any other as it is after a zero byte.</summary>
internal static class EtagBytes
{
    private const int Md5 = 16;

    /// <summary>Room for a tag that is not known yet.</summary>
    public static byte[] Unknown { get; } = new byte[Md5];

    /// <summary>The bytes of a tag without quotes.</summary>
    public static byte[] Write(string? etag)
    {
        if (string.IsNullOrEmpty(etag))
            return Unknown;
        var dash = etag.IndexOf('-', StringComparison.Ordinal);
        var hash = dash < 0 ? etag : etag[..dash];
        ushort parts = 0;
        var compact = hash.Length == 2 * Md5 && hash.All(char.IsAsciiHexDigitLower)
            && (dash < 0 || (ushort.TryParse(etag.AsSpan(dash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out parts) && etag[dash + 1] != '0'));
        if (!compact)
            return Text(etag);
        var bytes = Convert.FromHexString(hash);
        if (dash < 0)
            return bytes;
        Array.Resize(ref bytes, Md5 + sizeof(ushort));
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(Md5), parts);
        return bytes;
    }

    /// <summary>The tag, or null if it is not known.</summary>
    public static string? Read(byte[]? bytes) => bytes switch
    {
        null => null,
        { Length: Md5 } when bytes.AsSpan().SequenceEqual(Unknown) => null,
        [0, .. var text] when bytes.Length is not (Md5 or Md5 + sizeof(ushort)) => Encoding.UTF8.GetString(text).TrimEnd('\0'),
        { Length: Md5 } => Convert.ToHexStringLower(bytes),
        { Length: Md5 + sizeof(ushort) } =>
            $"{Convert.ToHexStringLower(bytes.AsSpan(0, Md5))}-{BinaryPrimitives.ReadUInt16BigEndian(bytes.AsSpan(Md5)).ToString(CultureInfo.InvariantCulture)}",
        _ => null,
    };

    // No text may be as long as a hash.
    private static byte[] Text(string etag)
    {
        byte[] bytes = [0, .. Encoding.UTF8.GetBytes(etag)];
        return bytes.Length is Md5 or Md5 + sizeof(ushort) ? [.. bytes, 0] : bytes;
    }
}
