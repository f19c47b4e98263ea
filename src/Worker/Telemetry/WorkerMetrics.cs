using Prometheus;

namespace VlWorker.Telemetry;

/// <summary>The worker's Prometheus metrics; docs/metrics.md explains each. Every label has a closed set of values.</summary>
internal sealed class WorkerMetrics
{
    private static readonly double[] SecondsBuckets =
        [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

    private readonly MetricFactory _factory;
    private readonly Counter _messages;
    private readonly Counter _rejections;
    private readonly Histogram _stages;
    private readonly Histogram _queueWait;
    private readonly Histogram _batchSize;
    private readonly Histogram _batchSeconds;
    private readonly Counter _outOfMemory;
    private readonly Gauge _batchLimit;
    private readonly Gauge _inFlight;
    private readonly Gauge _modelLoad;

    public WorkerMetrics(CollectorRegistry registry)
    {
        Registry = registry;
        _factory = Metrics.WithCustomRegistry(registry);
        _messages = _factory.CreateCounter(
            "vlworker_messages_total", "Messages by outcome: described, rejected, retried, dead, returned.", ["lane", "outcome"]);
        _rejections = _factory.CreateCounter("vlworker_rejections_total", "Rejected messages by reason.", ["reason"]);
        _stages = _factory.CreateHistogram(
            "vlworker_stage_seconds", "Time of one message in a stage.", ["stage"], new HistogramConfiguration { Buckets = SecondsBuckets });
        _queueWait = _factory.CreateHistogram(
            "vlworker_queue_wait_seconds",
            "Time from publication to the worker's hands, for messages with an AMQP timestamp.",
            ["lane"],
            new HistogramConfiguration { Buckets = [0.01, 0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 14400, 86400] });
        _batchSize = _factory.CreateHistogram(
            "vlworker_batch_size", "Rows of a batch.", ["model", "device"], new HistogramConfiguration { Buckets = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512] });
        _batchSeconds = _factory.CreateHistogram(
            "vlworker_batch_seconds", "Run time of a batch.", ["model", "device"], new HistogramConfiguration { Buckets = SecondsBuckets });
        _outOfMemory = _factory.CreateCounter(
            "vlworker_out_of_memory_total", "Batches that did not fit into the device's memory and ran in halves.", ["model", "device"]);
        _batchLimit = _factory.CreateGauge(
            "vlworker_batch_limit_rows",
            "Rows of a batch at most: MaxBatch, or less where that did not fit into the device's memory.",
            ["model", "device"]);
        _inFlight = _factory.CreateGauge("vlworker_in_flight_messages", "Messages taken from the broker and not yet settled.", ["lane"]);
        _modelLoad = _factory.CreateGauge("vlworker_model_load_seconds", "Time it took to load a model.", ["model", "device"]);
    }

    /// <summary>What /metrics serves.</summary>
    public CollectorRegistry Registry { get; }

    /// <summary>Counts a settled message.</summary>
    public void Settled(string lane, string outcome) => _messages.WithLabels(lane, outcome).Inc();

    /// <summary>Counts a rejection; <paramref name="reason"/> is one of <see cref="Contracts.RejectionReason"/>.</summary>
    public void Rejected(string reason) => _rejections.WithLabels(reason).Inc();

    /// <summary>Observes the time one message spent in a stage: fetch, decode, batch-wait, inference, publish.</summary>
    public void Stage(string stage, TimeSpan time) => _stages.WithLabels(stage).Observe(time.TotalSeconds);

    /// <summary>Observes how long a message lay in its queue.</summary>
    public void QueueWait(string lane, TimeSpan time) => _queueWait.WithLabels(lane).Observe(Math.Max(0, time.TotalSeconds));

    /// <summary>Observes a batch that ran.</summary>
    public void Batch(string model, string device, int rows, TimeSpan time)
    {
        _batchSize.WithLabels(model, device).Observe(rows);
        _batchSeconds.WithLabels(model, device).Observe(time.TotalSeconds);
    }

    /// <summary>Counts a batch that did not fit into a device's memory.</summary>
    public void OutOfMemory(string model, string device) => _outOfMemory.WithLabels(model, device).Inc();

    /// <summary>Sets how many rows a batch may have on a device.</summary>
    public void BatchLimit(string model, string device, int rows) => _batchLimit.WithLabels(model, device).Set(rows);

    /// <summary>Counts a message as in flight until the result is disposed of.</summary>
    public IDisposable InFlight(string lane) => _inFlight.WithLabels(lane).TrackInProgress();

    /// <summary>Sets the load time of a model.</summary>
    public void ModelLoaded(string model, string device, TimeSpan time) => _modelLoad.WithLabels(model, device).Set(time.TotalSeconds);

    /// <summary>Publishes a value that is read at scrape time.</summary>
    public void Observe(string name, string help, Func<double> read)
    {
        var gauge = _factory.CreateGauge(name, help);
        Registry.AddBeforeCollectCallback(() => gauge.Set(read()));
    }
}
