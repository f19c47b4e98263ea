using System.Text.Json;
using VlWorker.Contracts;
using VlWorker.Publishing;
using VlWorker.Telemetry;

namespace VlWorker.Serving.Status;

/// <summary>Takes a snapshot a second, whether anybody watches or not: whoever opens the page sees what has been.</summary>
internal sealed class StatusSampler(
    WorkerMetrics metrics,
    StatusBoard board,
    StatusFeed feed,
    Readiness readiness,
    IServiceProvider services,
    TimeProvider time,
    ILogger<StatusSampler> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    /// <summary>The broker is asked for the depths of its queues this often, and only while somebody watches.</summary>
    private const int DepthsEvery = 5;

    private static readonly string[] Queues = [.. Topology.RequestQueues.Select(queue => queue.Name)];

    private readonly StatusHistory _history = new(time);
    private IReadOnlyDictionary<string, long> _depths = new Dictionary<string, long>();
    private int _ticks;

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            // Loading comes first, unless somebody watches it.
            if (readiness.Models() is null && !feed.IsWatched)
                continue;
            try
            {
                await TickAsync(stoppingToken);
            }
            catch (Exception error) when (error is not OperationCanceledException)
            {
                // The page is a help; the worker does not depend on it.
                Log.NoStatus(logger, error);
            }
        }
    }

    private async Task TickAsync(CancellationToken cancellation)
    {
        _history.Add(await MetricsSample.TakeAsync(metrics.Registry, time, cancellation));
        if (feed.IsWatched && _ticks++ % DepthsEvery == 0)
            _depths = await services.GetRequiredService<IBrokerPublisher>().DepthsAsync(Queues, cancellation);
        var snapshot = board.Take(_history, _depths, readiness.Models());
        feed.Publish(JsonSerializer.Serialize(snapshot, ServingJson.Plain.StatusSnapshot));
    }
}
