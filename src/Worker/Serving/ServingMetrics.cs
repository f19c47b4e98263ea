using Prometheus;
using VlWorker.Serving.Embeddings;
using VlWorker.Serving.Predict;
using VlWorker.Serving.Problems;
using VlWorker.Telemetry;

namespace VlWorker.Serving;

/// <summary>The Prometheus metrics of REST requests, beside those of messages; docs/metrics.md explains each.</summary>
internal sealed class ServingMetrics
{
    /// <summary>The outcome of a request that got its result.</summary>
    public const string Ok = "ok";

    /// <summary>The outcome of a request whose client has gone; every other outcome is one of <see cref="ProblemTypes.All"/>.</summary>
    public const string Gone = "gone";

    /// <summary>The paths that are counted.</summary>
    public static readonly string[] Paths = [PredictEndpoint.Path, EmbeddingsEndpoint.Path];

    private readonly Counter _requests;
    private readonly Histogram _seconds;

    public ServingMetrics(WorkerMetrics metrics, Admission admission)
    {
        var factory = Metrics.WithCustomRegistry(metrics.Registry);
        _requests = factory.CreateCounter(
            "vlworker_requests_total", "REST requests by outcome: ok, gone, or the reason of the problem.", ["path", "outcome"]);
        _seconds = factory.CreateHistogram(
            "vlworker_request_seconds",
            "Time of a REST request that got its result.",
            ["path"],
            new HistogramConfiguration { Buckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60] });
        metrics.Observe(
            "vlworker_requests_in_hand", "Images and texts of REST requests in the worker's hands, up to Serving:Backlog.", () => admission.Held);
        foreach (var path in Paths)
            _ = _requests.WithLabels(path, Ok);
    }

    /// <summary>Counts a request that got its result.</summary>
    public void Answered(string path, TimeSpan time)
    {
        _requests.WithLabels(path, Ok).Inc();
        _seconds.WithLabels(path).Observe(time.TotalSeconds);
    }

    /// <summary>Counts a request that got none.</summary>
    public void Ended(string path, string outcome) => _requests.WithLabels(path, outcome).Inc();
}
