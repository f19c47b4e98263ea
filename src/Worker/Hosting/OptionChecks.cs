using VlWorker.Publishing;

namespace VlWorker.Hosting;

/// <summary>What settings of different sections demand of each other.</summary>
internal static class OptionChecks
{
    /// <summary>The broker gives up on a consumer that holds a message longer than this, unless it is set otherwise there.</summary>
    private static readonly TimeSpan BrokerConsumerTimeout = TimeSpan.FromMinutes(30);

    /// <summary>All that is wrong, each with the name of its section in front.</summary>
    public static IEnumerable<string> Run(WorkerOptions options) =>
    [
        .. Named("Broker", options.Broker.Check()),
        .. Named("Consuming", options.Consuming.Check()),
        .. Named("Publishing", options.Publishing.Check()),
        .. Named("Store", options.Store.Check()),
        .. Named("Fetching", options.Fetching.Check()),
        .. Named("Inference", options.Inference.Check()),
        .. Named("Journal", options.Journal.Check()),
        .. Named("Serving", options.Serving.Check()),
        .. Named("Telemetry", options.Telemetry.Check()),
        .. Prefetch(options),
        .. Times(options),
    ];

    private static IEnumerable<string> Named(string section, IEnumerable<string> errors) =>
        errors.Select(error => error.StartsWith($"{section}:", StringComparison.Ordinal) ? error : $"{section}: {error}");

    private static IEnumerable<string> Prefetch(WorkerOptions options)
    {
        // A device list that is wrong has its own errors.
        if (options.Inference.Check().Any())
            yield break;
        var devices = new DevicePlan(options.Inference, options.Batching).Configured();
        var largest = devices.MaxBy(device => device.Spec.MaxBatch)!;
        foreach (var lane in options.Consuming.Lanes().Where(lane => lane.Prefetch < largest.Spec.MaxBatch))
        {
            yield return $"Consuming: the {lane.Kind} lane's prefetch is {lane.Prefetch}: "
                + $"a batch of {largest.Spec.MaxBatch} (MaxBatch of {largest.Name}) could never fill";
        }

        foreach (var (model, device) in devices.SelectMany(device => device.Models.Select(model => (model, device)))
            .Where(entry => entry.model.MaxInFlight > 0 && entry.model.MaxInFlight < entry.device.Spec.MaxBatch))
        {
            yield return $"Inference: MaxInFlight of '{model.Alias}' is {model.MaxInFlight}: a batch of {device.Spec.MaxBatch} (MaxBatch of {device.Name}) could never fill";
        }

        var rows = devices.Sum(device => device.Spec.MaxBatch * device.Spec.Streams);
        if (options.Consuming.Lanes().Sum(lane => lane.Prefetch) < rows)
            yield return $"Consuming: all lanes' prefetch together is below the {rows} rows of all devices' batches (MaxBatch x Streams): a device would idle";
    }

    private static IEnumerable<string> Times(WorkerOptions options)
    {
        if (TimeSpan.FromSeconds(options.Hosting.ShutdownSeconds) <= options.Consuming.GracePeriod)
            yield return "Hosting: ShutdownSeconds must be above Consuming:GracePeriod, or the process ends before the pipeline is drained";
        if (options.Broker.Transport == BrokerTransport.RabbitMq && options.Publishing.HoldFor >= BrokerConsumerTimeout)
            yield return "Publishing: HoldFor must be below the broker's consumer time-out of 30 minutes";
    }
}
