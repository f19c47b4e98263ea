using Microsoft.AspNetCore.Http;
using VlWorker.Contracts;

namespace VlWorker.Serving.Problems;

/// <summary>What an HTTP request can be answered with instead of a result: the reasons of rejected messages, and what only HTTP knows.</summary>
internal static class ProblemTypes
{
    /// <summary>What all types begin with; the reason follows. It names, and leads nowhere.</summary>
    public const string Prefix = "urn:vlworker:problem:";

    /// <summary>No API key, or none that is known.</summary>
    public const string Unauthorized = "unauthorized";

    /// <summary>As much work as is taken is in the worker's hands.</summary>
    public const string Overloaded = "overloaded";

    /// <summary>The worker starts, stops, or lacks something that it can't work without.</summary>
    public const string NotReady = "not-ready";

    /// <summary>It failed now and may succeed later.</summary>
    public const string TemporaryFailure = "temporary-failure";

    /// <summary>The worker's own fault.</summary>
    public const string InternalError = "internal-error";

    /// <summary>There is nothing at this path.</summary>
    public const string NoSuchPath = "no-such-path";

    /// <summary>The path knows other methods.</summary>
    public const string MethodNotAllowed = "method-not-allowed";

    /// <summary>The body's content type is none that the path takes.</summary>
    public const string UnsupportedMediaType = "unsupported-media-type";

    private static readonly Dictionary<string, (int Status, string Title)> Known = new(StringComparer.Ordinal)
    {
        [RejectionReason.BadRequest] = (StatusCodes.Status400BadRequest, "The request is malformed"),
        [RejectionReason.BucketNotAllowed] = (StatusCodes.Status403Forbidden, "The bucket is not on the worker's allow-list"),
        [RejectionReason.BucketNotFound] = (StatusCodes.Status404NotFound, "The bucket does not exist"),
        [RejectionReason.NotFound] = (StatusCodes.Status404NotFound, "The object does not exist"),
        [RejectionReason.AccessDenied] = (StatusCodes.Status403Forbidden, "The store denies access to the object"),
        [RejectionReason.PreconditionFailed] = (StatusCodes.Status412PreconditionFailed, "The object is no longer the one asked for"),
        [RejectionReason.Empty] = (StatusCodes.Status422UnprocessableEntity, "The image has no bytes"),
        [RejectionReason.TooLarge] = (StatusCodes.Status413PayloadTooLarge, "The image has too many bytes"),
        [RejectionReason.TooManyPixels] = (StatusCodes.Status422UnprocessableEntity, "The image has too many pixels"),
        [RejectionReason.ExtremeAspectRatio] = (StatusCodes.Status422UnprocessableEntity, "The image's sides differ too much"),
        [RejectionReason.UnsupportedFormat] = (StatusCodes.Status415UnsupportedMediaType, "The bytes are no image that the worker reads"),
        [RejectionReason.Corrupt] = (StatusCodes.Status422UnprocessableEntity, "The image is damaged or cut short"),
        [RejectionReason.UnknownModel] = (StatusCodes.Status404NotFound, "There is no such model"),
        [RejectionReason.UnsupportedTask] = (StatusCodes.Status400BadRequest, "The task does not exist, or the model can't do it"),
        [RejectionReason.PromptNotSupported] = (StatusCodes.Status400BadRequest, "The model takes no prompt"),
        [RejectionReason.Expired] = (StatusCodes.Status504GatewayTimeout, "The time was up before the work was done"),
        [RejectionReason.Cancelled] = (StatusCodes.Status409Conflict, "The job was cancelled"),
        [Unauthorized] = (StatusCodes.Status401Unauthorized, "An API key is needed"),
        [Overloaded] = (StatusCodes.Status429TooManyRequests, "The worker has as much work as it takes"),
        [NotReady] = (StatusCodes.Status503ServiceUnavailable, "The worker takes no work at the moment"),
        [TemporaryFailure] = (StatusCodes.Status503ServiceUnavailable, "It failed, and may succeed later"),
        [InternalError] = (StatusCodes.Status500InternalServerError, "The worker failed"),
        [NoSuchPath] = (StatusCodes.Status404NotFound, "There is nothing at this path"),
        [MethodNotAllowed] = (StatusCodes.Status405MethodNotAllowed, "The path does not take this method"),
        [UnsupportedMediaType] = (StatusCodes.Status415UnsupportedMediaType, "The content type is not taken"),
    };

    /// <summary>All reasons.</summary>
    public static IReadOnlyCollection<string> All => Known.Keys;

    /// <summary>The status code of a reason.</summary>
    public static int StatusOf(string reason) => Known[reason].Status;

    /// <summary>The title of a reason: the same for every occurrence.</summary>
    public static string TitleOf(string reason) => Known[reason].Title;
}
