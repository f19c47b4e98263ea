using System.Buffers;
using System.Text;
using VlWorker.Contracts;
using VlWorker.Failures;

namespace VlWorker.Fetching;

/// <summary>What is checked of every reference before a store is asked; both stores share it.</summary>
internal static class ReferenceRules
{
    private const int MaxKeyBytes = 1024;

    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>What may stand between the quotes of an entity tag (RFC 9110, ASCII only), so that no header can be made of it.</summary>
    private static readonly SearchValues<char> EtagCharacters =
        SearchValues.Create([.. Enumerable.Range(0x21, 0x7E - 0x20).Select(code => (char)code).Where(c => c != '"')]);

    /// <summary>The object's place, or an exception that says why it can't be read.</summary>
    public static (string Bucket, string Key, string? Etag) Check(ImageReference image, IReadOnlySet<string> allowed)
    {
        if (string.IsNullOrEmpty(image.Bucket) || string.IsNullOrEmpty(image.Key))
            throw new RejectedException(RejectionReason.BadRequest, "image.bucket or image.key is missing");
        if (!allowed.Contains(image.Bucket))
            throw new RejectedException(RejectionReason.BucketNotAllowed, "the bucket is not one of those that this worker may read");
        CheckText("image.key", image.Key);
        CheckText("image.versionId", image.VersionId);
        return (image.Bucket, image.Key, Unquote(image.Etag));
    }

    /// <summary>An entity tag without its quotes.</summary>
    public static string? Unquote(string? etag) =>
        etag is ['"', .. var inner, '"'] ? CheckEtag(inner) : string.IsNullOrEmpty(etag) ? null : CheckEtag(etag);

    private static string CheckEtag(string etag) => etag.AsSpan().ContainsAnyExcept(EtagCharacters)
        ? throw new RejectedException(RejectionReason.BadRequest, "image.etag holds characters that no entity tag has")
        : etag;

    /// <summary>Text that can't be written in UTF-8 would name another object than the one meant.</summary>
    private static void CheckText(string name, string? text)
    {
        if (text is null)
            return;
        try
        {
            if (Strict.GetByteCount(text) > MaxKeyBytes)
                throw new RejectedException(RejectionReason.BadRequest, $"{name} is longer than {MaxKeyBytes:N0} bytes");
        }
        catch (EncoderFallbackException)
        {
            throw new RejectedException(RejectionReason.BadRequest, $"{name} is not valid Unicode: half of a surrogate pair");
        }

        if (text.Contains('\0', StringComparison.Ordinal))
            throw new RejectedException(RejectionReason.BadRequest, $"{name} holds a NUL character");
    }
}
