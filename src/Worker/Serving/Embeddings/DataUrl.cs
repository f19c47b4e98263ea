using System.Buffers;
using System.Buffers.Text;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using VlWorker.Buffers;
using VlWorker.Contracts;
using VlWorker.Failures;
using VlWorker.Fetching;

namespace VlWorker.Serving.Embeddings;

/// <summary>Images inside JSON: <c>data:image/jpeg;base64,...</c>. What the image is, its bytes say, not the URL.</summary>
internal static class DataUrl
{
    private static ReadOnlySpan<byte> Scheme => "data:"u8;

    private static ReadOnlySpan<byte> Marker => ";base64"u8;

    /// <summary>Whether a JSON string is meant as a data URL.</summary>
    public static bool Is(JsonElement text) => JsonMarshal.GetRawUtf8Value(text)[1..].StartsWith(Scheme);

    /// <summary>The bytes. The caller owns the result.</summary>
    /// <exception cref="RejectedException">It is no base64 (bad-request), or it has no bytes (empty).</exception>
    public static FetchedObject Open(JsonElement text, Uploads uploads)
    {
        var raw = JsonMarshal.GetRawUtf8Value(text)[1..^1];
        // Encoders may write a slash as \/ : only then the text has to be unescaped first, at the price of a copy.
        return raw.Contains((byte)'\\') ? Decode(Encoding.UTF8.GetBytes(text.GetString()!), uploads) : Decode(raw, uploads);
    }

    private static FetchedObject Decode(ReadOnlySpan<byte> url, Uploads uploads)
    {
        var comma = url.IndexOf((byte)',');
        if (comma < 0 || !url[..comma].EndsWith(Marker))
            throw new RejectedException(RejectionReason.BadRequest, "a data URL has the form data:image/...;base64,...");
        var encoded = url[(comma + 1)..];
        var bytes = new PooledBuffer(Math.Max(1, Base64.GetMaxDecodedFromUtf8Length(encoded.Length)));
        try
        {
            if (Base64.DecodeFromUtf8(encoded, bytes.Span, out _, out var length) != OperationStatus.Done)
                throw new RejectedException(RejectionReason.BadRequest, "the data URL's base64 is damaged");
            if (length == 0)
                throw new RejectedException(RejectionReason.Empty, "the data URL has no bytes");
            bytes.Truncate(length);
            return uploads.Adopt(bytes, Convert.ToHexStringLower(SHA256.HashData(bytes.Span)));
        }
        catch
        {
            bytes.Dispose();
            throw;
        }
    }
}
