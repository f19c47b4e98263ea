using System.Diagnostics;
using Prometheus;
using VlWorker.Contracts;

namespace VlWorker.Telemetry;

/// <summary>The worker's Prometheus metrics; docs/metrics.md explains each. Every label has a closed set of values.</summary>
/// <remarks>Times carry the id of the trace that they were measured in as an exemplar, where the trace is recorded.</remarks>
internal sealed class WorkerMetrics
{
    private static readonly string[] Lanes = [Topology.InteractiveRoutingKey, Topology.BackfillRoutingKey, Topology.TextRoutingKey];
    private static readonly string[] Outcomes = ["described", "rejected", "retried", "deferred", "dead", "returned"];

    private static readonly double[] SecondsBuckets =
        [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

    private readonly MetricFactory _factory;
    private readonly MessagesInHand _inHand;
    private readonly Counter _messages;
    private readonly Counter _rejections;
    private readonly Counter _deadLetters;
    private readonly Histogram _messageSeconds;
    private readonly Histogram _stages;
    private readonly Histogram _queueWait;
    private readonly Histogram _batchSize;
    private readonly Histogram _batchFill;
    private readonly Histogram _batchSeconds;
    private readonly Counter _joined;
    private readonly Counter _outOfMemory;
    private readonly Gauge _batchLimit;
    private readonly Gauge _inFlightLimit;
    private readonly Gauge _modelLoad;
    private readonly Counter _trims;
    private readonly Counter _trimmedBytes;

    /// <param name="registry">Where they are registered.</param>
    /// <param name="time">The clock for the age of messages; the system's by default.</param>
    public WorkerMetrics(CollectorRegistry registry, TimeProvider? time = null)
    {
        Registry = registry;
        _factory = Metrics.WithCustomRegistry(registry);
        _inHand = new MessagesInHand(time ?? TimeProvider.System);
        _messages = _factory.CreateCounter("vlworker_messages_total", $"Messages by outcome: {string.Join(", ", Outcomes)}.", ["lane", "outcome"]);
        _rejections = _factory.CreateCounter("vlworker_rejections_total", "Rejected messages by reason.", ["reason"]);
        _deadLetters = _factory.CreateCounter("vlworker_dead_letters_total", "Dead letters that the worker wrote, by reason.", ["reason"]);
        _messageSeconds = Seconds("vlworker_message_seconds", "Time of one attempt at a message, from the worker's hands until it is settled.", "lane");
        _stages = Seconds("vlworker_stage_seconds", "Time of one message in a stage.", "stage");
        _queueWait = _factory.CreateHistogram(
            "vlworker_queue_wait_seconds",
            "Time from publication to the worker's hands, for messages with an AMQP timestamp.",
            ["lane"],
            new HistogramConfiguration { Buckets = [0.01, 0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 14400, 86400] });
        _batchSize = _factory.CreateHistogram(
            "vlworker_batch_size", "Rows of a batch.", ["model", "device"], new HistogramConfiguration { Buckets = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024] });
        _batchFill = _factory.CreateHistogram(
            "vlworker_batch_fill_ratio",
            "Rows of a batch over the rows that it might have had.",
            ["model", "device"],
            new HistogramConfiguration { Buckets = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1] });
        _batchSeconds = Seconds("vlworker_batch_seconds", "Run time of a batch.", "model", "device");
        _joined = _factory.CreateCounter("vlworker_batch_joined_rows_total", "Rows that joined a batch while it ran.", ["model", "device"]);
        _outOfMemory = _factory.CreateCounter(
            "vlworker_out_of_memory_total", "Batches that did not fit into the device's memory and ran in halves.", ["model", "device"]);
        _batchLimit = _factory.CreateGauge(
            "vlworker_batch_limit_rows",
            "Rows of a batch at most: MaxBatch, or less where that did not fit into the device's memory or steering has lowered it.",
            ["model", "device"]);
        _inFlightLimit = _factory.CreateGauge("vlworker_in_flight_limit_batches", "Batches that may run on a device at the same time.", ["device"]);
        _modelLoad = _factory.CreateGauge("vlworker_model_load_seconds", "Time it took to load a model.", ["model", "device"]);
        _trims = _factory.CreateCounter("vlworker_memory_trims_total", "How often idle models gave memory back.");
        _trimmedBytes = _factory.CreateCounter("vlworker_memory_trimmed_bytes_total", "Resident memory that idle models gave back.");
        Models = new ModelMetrics(_factory);
        ShowZeroes();
        ObserveLanes();
    }

    /// <summary>What /metrics serves.</summary>
    public CollectorRegistry Registry { get; }

    /// <summary>Those of models that come and go.</summary>
    public ModelMetrics Models { get; }

    /// <summary>Counts a settled message.</summary>
    public void Settled(string lane, string outcome) => _messages.WithLabels(lane, outcome).Inc();

    /// <summary>Counts a rejection; <paramref name="reason"/> is one of <see cref="RejectionReason"/>.</summary>
    public void Rejected(string reason) => _rejections.WithLabels(reason).Inc();

    /// <summary>Counts a dead letter; <paramref name="reason"/> is one of <see cref="DeadLetterReason"/>.</summary>
    public void Buried(string reason) => _deadLetters.WithLabels(reason).Inc();

    /// <summary>Observes the time of one attempt at a message.</summary>
    public void Message(string lane, TimeSpan time) => _messageSeconds.WithLabels(lane).Observe(time.TotalSeconds);

    /// <summary>Observes the time one message spent in a stage.</summary>
    public void Stage(string stage, TimeSpan time) => _stages.WithLabels(stage).Observe(time.TotalSeconds);

    /// <summary>Observes how long a message lay in its queue.</summary>
    public void QueueWait(string lane, TimeSpan time) => _queueWait.WithLabels(lane).Observe(Math.Max(0, time.TotalSeconds));

    /// <summary>Observes a batch that ran.</summary>
    /// <param name="model">The model's alias.</param>
    /// <param name="device">The device.</param>
    /// <param name="rows">Rows of the batch.</param>
    /// <param name="limit">Rows that it might have had.</param>
    /// <param name="time">Its run time.</param>
    public void Batch(string model, string device, int rows, int limit, TimeSpan time)
    {
        _batchSize.WithLabels(model, device).Observe(rows);
        _batchFill.WithLabels(model, device).Observe(Math.Min(1, (double)rows / limit));
        _batchSeconds.WithLabels(model, device).Observe(time.TotalSeconds);
    }

    /// <summary>Counts rows that have joined a running batch.</summary>
    public void Joined(string model, string device, int rows) => _joined.WithLabels(model, device).Inc(rows);

    /// <summary>Counts a batch that did not fit into a device's memory.</summary>
    public void OutOfMemory(string model, string device) => _outOfMemory.WithLabels(model, device).Inc();

    /// <summary>Sets how many rows a batch may have on a device.</summary>
    public void BatchLimit(string model, string device, int rows) => _batchLimit.WithLabels(model, device).Set(rows);

    /// <summary>Sets how many batches may run on a device at the same time.</summary>
    public void InFlightLimit(string device, int batches) => _inFlightLimit.WithLabels(device).Set(batches);

    /// <summary>Counts a message as in flight until the result is disposed of.</summary>
    /// <param name="lane">Its lane.</param>
    /// <param name="published">When it was published, if its sender said so.</param>
    public IDisposable InFlight(string lane, DateTimeOffset? published) => _inHand.Add(lane, published);

    /// <summary>Sets the load time of a model.</summary>
    public void ModelLoaded(string model, string device, TimeSpan time) => _modelLoad.WithLabels(model, device).Set(time.TotalSeconds);

    /// <summary>Counts that idle models gave memory back.</summary>
    public void Trimmed(long bytes)
    {
        _trims.Inc();
        _trimmedBytes.Inc(bytes);
    }

    /// <summary>Publishes a value that is read at scrape time.</summary>
    public void Observe(string name, string help, Func<double> read)
    {
        var gauge = _factory.CreateGauge(name, help);
        Registry.AddBeforeCollectCallback(() => gauge.Set(read()));
    }

    private Histogram Seconds(string name, string help, params string[] labels) => _factory.CreateHistogram(
        name,
        help,
        labels,
        new HistogramConfiguration { Buckets = SecondsBuckets, ExemplarBehavior = new ExemplarBehavior { DefaultExemplarProvider = static (_, _) => OfTrace() } });

    private static Exemplar OfTrace() => Activity.Current is { Recorded: true } ? Exemplar.FromTraceContext() : Exemplar.None;

    /// <summary>What has not happened yet counts zero times: a rate needs a value before the first event.</summary>
    private void ShowZeroes()
    {
        foreach (var lane in Lanes)
        {
            foreach (var outcome in Outcomes)
                _ = _messages.WithLabels(lane, outcome);
        }

        foreach (var reason in RejectionReason.All)
            _ = _rejections.WithLabels(reason);
        foreach (var reason in DeadLetterReason.All)
            _ = _deadLetters.WithLabels(reason);
    }

    private void ObserveLanes()
    {
        var inFlight = _factory.CreateGauge("vlworker_in_flight_messages", "Messages taken from the broker and not yet settled.", ["lane"]);
        var oldest = _factory.CreateGauge(
            "vlworker_oldest_message_seconds", "Age of the oldest message in hand since its publication, or since it came if it has no AMQP timestamp; 0 without any.", ["lane"]);
        Registry.AddBeforeCollectCallback(() =>
        {
            foreach (var lane in Lanes)
            {
                var (count, seconds) = _inHand.Of(lane);
                inFlight.WithLabels(lane).Set(count);
                oldest.WithLabels(lane).Set(seconds);
            }
        });
    }
}
