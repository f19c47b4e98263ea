using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace VlWorker.Serving.Problems;

/// <summary>A problem as RFC 9457 has it, with two members of its own.</summary>
internal sealed record ProblemDocument
{
    /// <summary><see cref="ProblemTypes.Prefix"/> and the reason.</summary>
    public required string Type { get; init; }

    /// <summary>The same for every occurrence of the type.</summary>
    public required string Title { get; init; }

    /// <summary>The HTTP status.</summary>
    public required int Status { get; init; }

    /// <summary>What exactly.</summary>
    public required string Detail { get; init; }

    /// <summary>The word at the end of the type: one of the reasons of rejected messages where it is the request's fault.</summary>
    public required string Reason { get; init; }

    /// <summary>The same once more where OpenAI's clients look for it; on /v1/ only.</summary>
    public OpenAiError? Error { get; init; }

    /// <summary>The document of a problem.</summary>
    public static ProblemDocument Of(Problem problem, bool forOpenAi)
    {
        var status = ProblemTypes.StatusOf(problem.Reason);
        return new ProblemDocument
        {
            Type = ProblemTypes.Prefix + problem.Reason,
            Title = ProblemTypes.TitleOf(problem.Reason),
            Status = status,
            Detail = problem.Detail,
            Reason = problem.Reason,
            Error = forOpenAi ? new OpenAiError(problem.Detail, KindOf(status), null, problem.Reason) : null,
        };
    }

    private static string KindOf(int status) => status switch
    {
        StatusCodes.Status401Unauthorized => "authentication_error",
        StatusCodes.Status429TooManyRequests => "rate_limit_error",
        >= 500 => "server_error",
        _ => "invalid_request_error",
    };
}

/// <summary>An error in OpenAI's shape.</summary>
internal sealed record OpenAiError(string Message, string Type, string? Param, string Code);

/// <summary>Answers with a problem.</summary>
internal sealed class ProblemResult(Problem problem) : IResult
{
    private const string ContentType = "application/problem+json";

    public Problem Problem { get; } = problem;

    public Task ExecuteAsync(HttpContext httpContext)
    {
        // An answer that has begun can only go on: its status is sent.
        if (httpContext.Response.HasStarted)
        {
            var failure = JsonSerializer.Serialize(ProblemDocument.Of(Problem, forOpenAi: false), ServingJson.Plain.ProblemDocument);
            return ServerEvents.SendAsync(httpContext.Response, "error", failure, httpContext.RequestAborted);
        }

        if (Problem.RetryAfter is { } pause)
            httpContext.Response.Headers.RetryAfter = Math.Ceiling(pause.TotalSeconds).ToString(CultureInfo.InvariantCulture);
        var status = httpContext.Response.StatusCode = ProblemTypes.StatusOf(Problem.Reason);
        // What is left of a body that is too large is not read: a client must not put its next request behind it.
        if (status == StatusCodes.Status413PayloadTooLarge && HttpProtocol.IsHttp11(httpContext.Request.Protocol))
            httpContext.Response.Headers.Connection = "close";
        var document = ProblemDocument.Of(Problem, httpContext.Request.Path.StartsWithSegments("/v1"));
        return httpContext.Response.WriteAsJsonAsync(document, ServingJson.Plain.ProblemDocument, ContentType, httpContext.RequestAborted);
    }
}
