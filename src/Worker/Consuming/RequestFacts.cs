using VlWorker.Contracts;
using VlWorker.Failures;

namespace VlWorker.Consuming;

/// <summary>What every answer repeats of its request.</summary>
/// <param name="Id">The request's id, the AMQP message-id, or empty.</param>
/// <param name="JobId">The job, if any.</param>
/// <param name="Image">The image as the request named it.</param>
/// <param name="Context">The caller's map.</param>
internal sealed record RequestFacts(string Id, string? JobId, ImageReference? Image, IReadOnlyDictionary<string, string>? Context)
{
    /// <summary>The facts of an image's request.</summary>
    public static RequestFacts Of(DescribeImage request, Delivery delivery) =>
        new(request.Id ?? delivery.Properties.MessageId ?? "", request.JobId, request.Image, request.Context);

    /// <summary>The facts of a text's request.</summary>
    public static RequestFacts Of(DescribeText request, Delivery delivery) =>
        new(request.Id ?? delivery.Properties.MessageId ?? "", request.JobId, null, request.Context);

    /// <summary>The rejection of this request. What is too long to be valid is cut or left out of it.</summary>
    public ImageRejected Reject(RejectedException error, DateTimeOffset now) => new()
    {
        Id = Id.Cut(RequestLimits.IdBytes),
        JobId = JobId.Cut(RequestLimits.IdBytes),
        Image = Image,
        Reason = error.Reason,
        Detail = error.Message,
        Context = Context?.Sum(pair => (long)pair.Key.Length + (pair.Value?.Length ?? 0)) > RequestLimits.ContextLength ? null : Context,
        RejectedAt = now,
    };
}
