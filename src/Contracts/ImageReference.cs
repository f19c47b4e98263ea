namespace VlWorker.Contracts;

/// <summary>An object in S3-compatible storage, or a file below the folder store's root.</summary>
public sealed record ImageReference
{
    /// <summary>The bucket's name; it must be on the worker's allow-list.</summary>
    public string? Bucket { get; init; }

    /// <summary>The object's key, at most 1,024 bytes of UTF-8.</summary>
    public string? Key { get; init; }

    /// <summary>Reads exactly this version.</summary>
    public string? VersionId { get; init; }

    /// <summary>Reads the object only if its entity tag is still this one (quotes optional).</summary>
    public string? Etag { get; init; }
}
