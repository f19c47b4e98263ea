namespace VlWorker.Contracts;

/// <summary>The closed list of reasons in <see cref="ImageRejected.Reason"/>.</summary>
public static class RejectionReason
{
    /// <summary>The request itself is malformed: fields missing, out of range, or of the wrong kind.</summary>
    public const string BadRequest = "bad-request";

    /// <summary>The bucket is not on the worker's allow-list.</summary>
    public const string BucketNotAllowed = "bucket-not-allowed";

    /// <summary>The bucket does not exist.</summary>
    public const string BucketNotFound = "bucket-not-found";

    /// <summary>The object, or the version asked for, does not exist.</summary>
    public const string NotFound = "not-found";

    /// <summary>The store denies access to this object.</summary>
    public const string AccessDenied = "access-denied";

    /// <summary>The object's entity tag is no longer the one asked for.</summary>
    public const string PreconditionFailed = "precondition-failed";

    /// <summary>The object has no bytes.</summary>
    public const string Empty = "empty";

    /// <summary>The object has more bytes than the worker accepts.</summary>
    public const string TooLarge = "too-large";

    /// <summary>The image's header declares more pixels, or a longer side, than the worker accepts.</summary>
    public const string TooManyPixels = "too-many-pixels";

    /// <summary>The image's sides differ by more than the worker accepts.</summary>
    public const string ExtremeAspectRatio = "extreme-aspect-ratio";

    /// <summary>The bytes are not of an image format the worker reads.</summary>
    public const string UnsupportedFormat = "unsupported-format";

    /// <summary>The image is damaged or cut short.</summary>
    public const string Corrupt = "corrupt";

    /// <summary>No worker has a model of this alias.</summary>
    public const string UnknownModel = "unknown-model";

    /// <summary>The task does not exist, or the model can't do it.</summary>
    public const string UnsupportedTask = "unsupported-task";

    /// <summary>A prompt was given to a model that takes none.</summary>
    public const string PromptNotSupported = "prompt-not-supported";

    /// <summary>The deadline had passed before the work was done.</summary>
    public const string Expired = "expired";

    /// <summary>The job was cancelled.</summary>
    public const string Cancelled = "cancelled";

    /// <summary>All reasons.</summary>
    public static IReadOnlyList<string> All { get; } =
    [
        BadRequest, BucketNotAllowed, BucketNotFound, NotFound, AccessDenied, PreconditionFailed, Empty, TooLarge, TooManyPixels,
        ExtremeAspectRatio, UnsupportedFormat, Corrupt, UnknownModel, UnsupportedTask, PromptNotSupported, Expired, Cancelled,
    ];
}
