using Microsoft.AspNetCore.Http;
using VlWorker.Contracts;
using VlWorker.Failures;

namespace VlWorker.Serving.Problems;

/// <summary>Why a request has no result.</summary>
/// <param name="Reason">One of <see cref="ProblemTypes.All"/>.</param>
/// <param name="Detail">What exactly, for a person; no secrets, no host names.</param>
/// <param name="RetryAfter">When it is worth to try again; null where it is not said.</param>
internal sealed record Problem(string Reason, string Detail, TimeSpan? RetryAfter = null)
{
    /// <summary>What soon passes is worth another try after this.</summary>
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(5);

    /// <summary>What an error of the stages means to an HTTP client; null for errors that nobody foresaw.</summary>
    public static Problem? Of(Exception error) => error switch
    {
        RejectedException rejected => new Problem(rejected.Reason, rejected.Message),
        BusyException => new Problem(ProblemTypes.Overloaded, error.Message, Soon),
        TransientException => new Problem(ProblemTypes.TemporaryFailure, error.Message, Soon),
        DependencyException lost => new Problem(ProblemTypes.NotReady, $"{lost.Dependency.ToString().ToLowerInvariant()}: {lost.Message}", Soon),
        BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge } =>
            new Problem(RejectionReason.TooLarge, "the request's body is larger than is accepted"),
        BadHttpRequestException or EndOfStreamException or InvalidDataException =>
            new Problem(RejectionReason.BadRequest, "the request's body can't be read"),
        _ => null,
    };
}
