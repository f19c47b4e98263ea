using System.Diagnostics;
using Microsoft.AspNetCore.Http;
using VlWorker.Consuming;
using VlWorker.Contracts;
using VlWorker.Failures;
using VlWorker.Serving.Problems;
using VlWorker.Telemetry;

namespace VlWorker.Serving;

/// <summary>Runs the work of one HTTP request and answers it, whatever happens: what <see cref="MessageSettler"/> is to messages.</summary>
/// <remarks>
/// <code>
/// not ready             -> 503            backlog full          -> 429, Retry-After
/// work returned         -> its result     RejectedException     -> the problem of its reason
/// TransientException    -> 503            DependencyException   -> 503, and the gate closes as for messages
/// time is up            -> 504            client gone           -> no answer; rows that still wait are withdrawn from the batcher
/// </code>
/// </remarks>
internal sealed class RequestRunner : IDisposable
{
    /// <summary>What is in hand when the worker is told to stop has this long; messages have their own time after it.</summary>
    private static readonly TimeSpan Drain = TimeSpan.FromSeconds(5);

    private readonly TimeSpan _timeout;
    private readonly Admission _admission;
    private readonly Readiness _readiness;
    private readonly ConsumptionGate _gate;
    private readonly ServingMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _giveUp;
    private readonly CancellationTokenRegistration _stopping;

    public RequestRunner(
        ServingOptions options,
        Admission admission,
        Readiness readiness,
        ConsumptionGate gate,
        ServingMetrics metrics,
        IHostApplicationLifetime lifetime,
        TimeProvider time,
        ILogger<RequestRunner> logger)
    {
        _timeout = TimeSpan.FromSeconds(options.RequestTimeoutSeconds);
        (_admission, _readiness, _gate, _metrics, _time, _logger) = (admission, readiness, gate, metrics, time, logger);
        _giveUp = new CancellationTokenSource(Timeout.InfiniteTimeSpan, time);
        _stopping = lifetime.ApplicationStopping.Register(() => _giveUp.CancelAfter(Drain));
    }

    /// <summary>Answers a request. The work takes one place of the backlog from the start, and further ones as it finds that it needs them.</summary>
    /// <param name="context">The request.</param>
    /// <param name="path">One of <see cref="ServingMetrics.Paths"/>.</param>
    /// <param name="work">Returns the result.</param>
    public async Task<IResult> RunAsync(HttpContext context, string path, Func<RequestScope, Task<IResult>> work)
    {
        var started = _time.GetTimestamp();
        using var span = StartSpan(context.Request, path);
        using var limit = new CancellationTokenSource(_timeout, _time);
        using var source = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, limit.Token, _giveUp.Token);
        using var scope = new RequestScope(_admission, _time.GetUtcNow() + _timeout, source.Token);
        try
        {
            if (_readiness.Reason is { } reason)
                throw new ProblemException(new Problem(ProblemTypes.NotReady, reason, TimeSpan.FromSeconds(5)));
            scope.Enter(1);
            var result = await work(scope);
            _metrics.Answered(path, _time.GetElapsedTime(started));
            return result;
        }
        catch (Exception) when (context.RequestAborted.IsCancellationRequested)
        {
            _metrics.Ended(path, ServingMetrics.Gone);
            return Results.Empty;
        }
        catch (Exception error)
        {
            var problem = Explain(path, error, limit.Token);
            span?.SetStatus(ActivityStatusCode.Error, problem.Reason);
            _metrics.Ended(path, problem.Reason);
            if (error is DependencyException lost)
                _gate.Close(lost);
            return new ProblemResult(problem);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _stopping.Dispose();
        _giveUp.Dispose();
    }

    /// <summary>The work continues the trace that the client names; null while nobody listens.</summary>
    private static Activity? StartSpan(HttpRequest request, string path)
    {
        _ = ActivityContext.TryParse(request.Headers.TraceParent, request.Headers.TraceState, isRemote: true, out var parent);
        return Tracing.Source.StartActivity($"POST {path}", ActivityKind.Server, parent)?
            .SetTag("http.request.method", "POST").SetTag("http.route", path);
    }

    private Problem Explain(string path, Exception error, CancellationToken limit)
    {
        if (error is OperationCanceledException && limit.IsCancellationRequested)
            return new Problem(RejectionReason.Expired, $"the request was not done within {_timeout.TotalSeconds:0.#} s");
        if (error is OperationCanceledException && _giveUp.IsCancellationRequested)
            return new Problem(ProblemTypes.NotReady, "the worker is stopping", TimeSpan.FromSeconds(5));
        if (((error as ProblemException)?.Problem ?? Problem.Of(error)) is { } problem)
            return problem;
        Log.Failed(_logger, path, error);
        return new Problem(ProblemTypes.InternalError, "the worker failed; its log says why");
    }
}
