using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace VlWorker.Journal;

/// <summary>Recognises a message when it comes back: whichever worker gets it, and whatever the broker wrote into its headers.</summary>
internal static class Fingerprint
{
    /// <summary>Of the body and the message-id.</summary>
    public static UInt128 Of(ReadOnlySpan<byte> body, string? messageId) => Hash(body) ^ (messageId is null ? 0 : Hash(Encoding.UTF8.GetBytes(messageId)));

    private static UInt128 Hash(ReadOnlySpan<byte> bytes)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(bytes, hash);
        return BinaryPrimitives.ReadUInt128LittleEndian(hash);
    }
}
